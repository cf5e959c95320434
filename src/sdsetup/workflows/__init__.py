"""The stories: each file is one thing that sdsetup does, from the question to the answer."""
