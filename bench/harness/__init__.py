"""What all bench scripts share: services to start, load to send, figures to judge, print and keep."""
