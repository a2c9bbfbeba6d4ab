"""A month of a business's texts in a few minutes, judged from outside and by the product's own checker."""
