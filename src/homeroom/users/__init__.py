"""The directory: the people of the class, and who may see and change what of them."""
