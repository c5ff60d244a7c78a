"""The daemon: renders pictures for hosts and for the command line."""
