"""A lab that stands: started, hurt, healed and taken down."""
