"""What boards reported, kept as series: aggregates, gaps, and how long all of it is kept."""
