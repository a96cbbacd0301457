"""What the shop's own people do with one contact: look it up, change it, take it out, forget it."""
