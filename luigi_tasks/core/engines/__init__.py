"""Who executes PySpark: Sail, Apache Spark or a Spark Connect server, one module an engine."""
