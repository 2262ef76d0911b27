"""The kinds of engines: each file declares one as `ENGINE`. `driver.engines.catalogue` finds them."""
