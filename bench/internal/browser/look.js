// What is to be seen of a page, as check.go's sight.
(() => {
  const numbers = (css) => (css.match(/[\d.]+/g) || []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = color.slice(0, 3).map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const background = (element) => {
    for (; element; element = element.parentElement) {
      const color = numbers(getComputedStyle(element).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && box.width > 0 && box.height > 0;
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    if (!text || element.closest("script,style") || !shown(element)) continue;
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    const matrix = drawn ? element.getScreenCTM() : null;
    texts.push({
      Text: text.slice(0, 60),
      Size: parseFloat(style.fontSize) * (drawn ? Math.hypot(matrix.a, matrix.b) : 1),
      Contrast: contrast(numbers(drawn ? style.fill : style.color), background(element)),
    });
  }

  // Where the ink of a text in a picture is at most. The box of its line says less: how much higher that is than
  // what is painted depends on the font.
  const pen = document.createElement("canvas").getContext("2d");
  const ink = (element) => {
    const { fontStyle, fontWeight, fontSize, fontFamily } = getComputedStyle(element);
    pen.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
    const is = pen.measureText(element.textContent);
    const [start, end] = [element.getStartPositionOfChar(0), element.getEndPositionOfChar(element.getNumberOfChars() - 1)];
    const wider = (end.x - start.x) / is.width; // than the font makes it, as textLength has it
    const corners = [];
    for (const x of [-is.actualBoundingBoxLeft, is.actualBoundingBoxRight]) {
      for (const y of [-is.actualBoundingBoxAscent, is.actualBoundingBoxDescent]) {
        corners.push(new DOMPoint(start.x + x * wider, start.y + y).matrixTransform(element.getScreenCTM()));
      }
    }
    const [xs, ys] = [corners.map((p) => p.x), corners.map((p) => p.y)];
    return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
  };

  const overlaps = [];
  const apart = 1; // pixels between two texts, for fonts whose ink is larger
  for (const svg of [...document.querySelectorAll("svg")].filter(shown)) {
    const outer = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")].filter((e) => e.textContent.trim()).map((e) => ({ text: e.textContent, ink: ink(e) }));
    labels.forEach(({ text, ink }, i) => {
      if (ink.left < outer.left || ink.right > outer.right || ink.top < outer.top || ink.bottom > outer.bottom) {
        overlaps.push(`"${text}" is beyond its picture`);
      }
      for (const other of labels.slice(i + 1)) {
        if (ink.left < other.ink.right + apart && other.ink.left < ink.right + apart && ink.top < other.ink.bottom + apart && other.ink.top < ink.bottom + apart) {
          overlaps.push(`"${text}" and "${other.text}" overlap`);
        }
      }
    });
  }

  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  return {
    Width: Math.max(document.scrollingElement.scrollWidth, window.innerWidth),
    Dark: luminance(background(document.body)) < 0.2,
    Text: document.body.innerText,
    Pictures: [...document.querySelectorAll(".picture")].map((p) => [...p.querySelectorAll("svg")].filter(shown).map((s) => s.getAttribute("class")).join(" ")),
    SameIDs: [...new Set(ids.filter((id, i) => ids.indexOf(id) !== i))],
    Overlaps: overlaps,
    Texts: texts,
  };
})()
