"""What is learned from: points, pictures, pairs of pictures, and where their files lie."""
