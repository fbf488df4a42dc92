"""Where requests and tasks come in: settings, the composition root, HTTP and task wrappers."""
