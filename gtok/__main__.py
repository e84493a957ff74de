"""``python -m gtok``."""

from gtok.cli import main

if __name__ == "__main__":
    main()
