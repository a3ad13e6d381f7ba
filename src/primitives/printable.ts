// Control characters, and the marks that reorder or hide text on a terminal (bidirectional overrides, zero width).

const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]/g;

/**
 * Foreign text made safe for a terminal or a log: control and direction characters appear as `\xNN` or `\uNNNN`, and
 * anything over `max` characters is cut with an ellipsis.
 */
export function printable(text: string | undefined, max = 200): string {
  if (text === undefined) return '(nothing)';
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut.replace(unsafe, (character, at: number, whole: string) => {
    const unit = character.charCodeAt(0);
    if (isPaired(whole, at)) return character;
    return unit < 0x100 ? `\\x${unit.toString(16).padStart(2, '0')}` : `\\u${unit.toString(16).padStart(4, '0')}`;
  });
}

function isPaired(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit >= 0xd800 && unit <= 0xdbff) return isBetween(text.charCodeAt(at + 1), 0xdc00, 0xdfff);
  if (unit >= 0xdc00 && unit <= 0xdfff) return isBetween(text.charCodeAt(at - 1), 0xd800, 0xdbff);
  return false;
}

const isBetween = (value: number, low: number, high: number): boolean => value >= low && value <= high;
