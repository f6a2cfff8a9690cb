"""The services that Homeroom is measured beside, each with the same class and a signed-in caller."""
