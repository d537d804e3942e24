"""notifier: follows uploads at media APIs and tells every change by signed webhook."""

__version__ = "0.1.0"
