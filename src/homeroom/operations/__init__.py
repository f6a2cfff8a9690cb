"""What keeps a site running: health, backups, the doctor, and deployment."""
