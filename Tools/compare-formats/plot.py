"""Two panels of bits per weight against divergence and against speed, as SVG."""

import math

WIDTH, HEIGHT, LEFT, TOP, GAP = 960, 420, 70, 40, 90
PANEL = (WIDTH - 2 * LEFT - GAP) // 2
COLORS = ["#555555", "#1b6ca8", "#c8553d", "#3d8b5f", "#8e5ea2", "#d99c2b", "#2a9d8f", "#b5179e", "#7a5c3e"]


def plot(rows):
    families = list(dict.fromkeys(row["family"] for row in rows))
    shown = [row for row in rows if row["bits"] < 12]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 60}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT + 60}" fill="white"/>',
    ]
    divergences = [row["divergence"] for row in shown if row["divergence"] > 0]
    low, high = math.floor(math.log10(min(divergences))), math.ceil(math.log10(max(divergences)))
    parts += panel(
        LEFT, "mean KL divergence from f32", shown, families,
        lambda row: (math.log10(max(row["divergence"], 10.0**low)) - low) / (high - low),
        [(10.0**power, (power - low) / (high - low)) for power in range(low, high + 1)])
    top = max(row["gflops"] for row in shown) * 1.1
    step = 10 ** math.floor(math.log10(top))
    step = step if top / step > 3 else step / 5
    parts += panel(
        LEFT + PANEL + GAP, "decode GFLOP/s", shown, families, lambda row: row["gflops"] / top,
        [(step * i, step * i / top) for i in range(int(top / step) + 1)])
    for index, family in enumerate(families):
        x, y = LEFT + index % 4 * 210, HEIGHT + 20 + index // 4 * 20
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{COLORS[index]}"/><text x="{x + 10}" y="{y + 4}">{family}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def panel(left, title, rows, families, height, ticks):
    bottom = HEIGHT - 50

    def at(bits, share):
        return left + bits / 10 * PANEL, bottom - share * (bottom - TOP)

    parts = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold">{title}</text>']
    for value, share in ticks:
        x, y = at(0, share)
        parts.append(f'<line x1="{x}" y1="{y:.1f}" x2="{left + PANEL}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for bits in range(0, 11):
        x, _ = at(bits, 0)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{bits}</text>')
    parts.append(f'<text x="{left + PANEL / 2}" y="{bottom + 36}" text-anchor="middle">bits per weight</text>')
    for index, family in enumerate(families):
        members = sorted((row for row in rows if row["family"] == family), key=lambda row: row["bits"])
        points = [at(row["bits"], height(row)) for row in members]
        if len(points) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{COLORS[index]}" stroke-opacity="0.4"/>')
        for row, (x, y) in zip(members, points):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{COLORS[index]}"><title>{row["name"]}</title></circle>')
    return parts
