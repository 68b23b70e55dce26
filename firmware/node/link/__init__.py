"""The talk with the coordinator: never needed for protection, never able to hold it up."""
