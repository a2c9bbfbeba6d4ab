"""What `manage.py` does: one module per topic, loaded when its command is asked for."""
