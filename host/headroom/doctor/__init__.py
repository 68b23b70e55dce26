"""What `headroom doctor` looks at, and says in words, with a way out."""
