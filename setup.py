"""Installs the package and all that a run needs; `pip install -e .[test]` for the tests as well."""

from setuptools import find_packages, setup

setup(
    name="loan-default-pipeline",
    version="0.1.0",
    description="A loan-default pipeline on Luigi, with a DVC-tracked layout",
    packages=find_packages(include=["luigi_tasks*"]),
    python_requires=">=3.11",
    install_requires=[
        "dvc>=3.60,<4",
        "joblib>=1.4",
        "luigi>=3.8,<4",
        "matplotlib>=3.9",
        "numpy>=2",
        "pandas>=2.2,<3",
        "pyarrow>=18",
        "pysail==0.7.2",
        "pyspark[connect]>=4.1,<4.3",
        "pyyaml>=6",
        "scikit-learn>=1.6",
        "scipy>=1.13",
        "threadpoolctl>=3.5",
        "universal_pathlib>=0.3",
    ],
    extras_require={
        "s3": ["s3fs"],
        "test": [
            "moto[server]>=5",
            "mypy>=1.13",
            "pandas-stubs>=2.2,<3",
            "pytest>=8",
            "pytest-xdist>=3.6",
            "ruff>=0.8",
            "s3fs",
            "types-PyYAML",
        ],
    },
)
