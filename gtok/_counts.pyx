"""Token ids of many samples to the rows of a sparse matrix, summed."""
