"""What people take away: 3D models and tables for other programs."""
