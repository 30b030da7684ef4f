"""Training data, candidates, champion, the model store, predictions."""
