"""A script with mistakes: each line but the first two is one that type checkers find."""
import evenly as ev

ev.NoSuchLayer()
ev.Dense("8")
ev.Sequential([ev.Dense(8)]).no_such()
n: str = ev.init(ev.Sequential([ev.Dense(2)]), 4)
ev.fit(ev.Sequential([]), [[1]], [1], loss=ev.Adam())
