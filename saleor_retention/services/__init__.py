"""Services write: each changes the database under the documented lock order."""
