"""What the door's access log says: whom an entry meets, would have met, and who was deceived."""
