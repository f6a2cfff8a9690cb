"""Deployment: what stands in front of the application, and how a new version takes over."""
