// A small SVG chart of the last minute: one or two lines over a soft area, the newest value at the
// right edge. Colours come from the style sheet by class, so both colour schemes are served.

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 240;
const POINTS = 60;
/** Space for half a line's width above the highest and below the lowest value. */
const MARGIN = 2;

function shape(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** 1, 2 or 5 times a power of ten that is not below the value: a scale that rarely moves. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
}

export class Sparkline {
  #host;
  #label;
  #fixedTop;
  #lowestTop;
  #height;
  #lines;
  #scale;

  /**
   * @param host element that gets the chart
   * @param options.series one class name a line, the first also gets the area
   * @param options.label (values: number[][]) => string, what the chart shows, in words
   * @param options.top fixed top of the scale; without it the scale follows the values
   * @param options.lowestTop the scale never gets finer than this
   */
  constructor(host, { series, label, top, lowestTop = 1, height = 48 }) {
    this.#host = host;
    this.#label = label;
    this.#fixedTop = top;
    this.#lowestTop = lowestTop;
    this.#height = height;

    const svg = shape('svg', {
      viewBox: `0 0 ${WIDTH} ${height}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    });
    for (const y of [MARGIN, height - MARGIN]) {
      svg.append(shape('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y, y2: y }));
    }
    const area = shape('path', { class: `area ${series[0]}` });
    this.#lines = series.map((name) => shape('path', { class: `line ${name}` }));
    svg.append(area, ...this.#lines);
    this.#lines.area = area;
    this.#scale = document.createElement('span');
    this.#scale.className = 'scale';
    host.append(svg, this.#scale);
    host.setAttribute('role', 'img');
  }

  /** @param values one array a line, oldest first, at most 60 values are shown */
  draw(values, unit = '') {
    const shown = values.map((line) => line.slice(-POINTS));
    const highest = Math.max(this.#lowestTop, ...shown.flat());
    const top = this.#fixedTop ?? ceiling(highest);
    const paths = shown.map((line) => this.#path(line, top));
    for (const [index, path] of paths.entries()) this.#lines[index].setAttribute('d', path.line);
    this.#lines.area.setAttribute('d', paths[0].area);
    this.#scale.textContent = `${top}${unit}`;
    this.#host.setAttribute('aria-label', this.#label(shown));
  }

  #path(values, top) {
    if (values.length === 0) return { line: '', area: '' };
    const step = WIDTH / (POINTS - 1);
    const left = WIDTH - (values.length - 1) * step;
    const room = this.#height - 2 * MARGIN;
    const points = values.map((value, index) => {
      const y = MARGIN + room * (1 - Math.min(value, top) / top);
      return `${(left + index * step).toFixed(1)} ${y.toFixed(1)}`;
    });
    const line = `M${points.join('L')}`;
    const bottom = this.#height - MARGIN;
    return { line, area: `${line}L${WIDTH} ${bottom}L${left.toFixed(1)} ${bottom}Z` };
  }
}
