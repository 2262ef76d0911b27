"""Submits a text five times a second, as our customers' systems do, and looks at the results."""

import logging
import os
import random
import time

import requests

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("feed")

WEB = os.environ["WEB_URL"]
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "in", "our", "village"]


def main():
    session = requests.Session()
    while True:
        try:
            text = " ".join(random.choices(WORDS, k=random.randint(5, 50)))
            job = session.post(f"{WEB}/jobs", json={"text": text})
            job.raise_for_status()
            time.sleep(0.2)
            answer = session.get(f"{WEB}/jobs/{job.json()['id']}")
            if answer.status_code == 404:
                log.info("job %s is not done yet", job.json()["id"])
            else:
                answer.raise_for_status()
        except requests.RequestException as error:
            log.warning("%s", error)
            time.sleep(1)


if __name__ == "__main__":
    main()
