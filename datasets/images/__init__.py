"""Images in files, and random changes of images."""
