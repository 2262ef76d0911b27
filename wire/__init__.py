"""What coordinator and workers say to each other, and what each writes down. No sockets, disks or clocks."""
