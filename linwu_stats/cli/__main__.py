"""``python -m linwu_stats.cli`` (命令行)."""

from linwu_stats.cli import main

if __name__ == "__main__":
    main()
