"""What is true without I/O: values in, values out."""
