//! One row of a diagram: characters at columns, each with a tone, drawn with or without colour.

use console::Style;
use unicode_width::UnicodeWidthChar;

/// How a character is meant; colour is never the only sign of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Faint,
    Strong,
    Step,
    Wire,
    Good,
    Bad,
}

impl Tone {
    fn style(self) -> Style {
        let style = Style::new().force_styling(true);
        match self {
            Self::Plain => style,
            Self::Faint => style.dim(),
            Self::Strong => style.bold(),
            Self::Step => style.yellow().bold(),
            Self::Wire => style.cyan(),
            Self::Good => style.green().bold(),
            Self::Bad => style.red().bold(),
        }
    }
}

/// `text` in a tone, coloured if `colour`.
pub(super) fn paint(text: &str, tone: Tone, colour: bool) -> String {
    if colour && tone != Tone::Plain { tone.style().apply_to(text).to_string() } else { text.into() }
}

/// A row of fixed width. A character that takes two columns leaves the second one out of the drawing.
#[derive(Clone, Debug)]
pub(super) struct Row {
    cells: Vec<Option<(char, Tone)>>,
}

impl Row {
    pub(super) fn new(columns: usize) -> Self {
        Self { cells: vec![Some((' ', Tone::Plain)); columns] }
    }

    /// Puts text from `column` on; what does not fit is left out.
    pub(super) fn put(&mut self, column: usize, text: &str, tone: Tone) {
        let mut column = column;
        for character in text.chars() {
            let width = character.width().unwrap_or(0);
            if width == 0 || column + width > self.cells.len() {
                continue;
            }
            for (place, cell) in self.cells.iter_mut().skip(column).take(width).enumerate() {
                *cell = (place == 0).then_some((character, tone));
            }
            column += width;
        }
    }

    /// Puts `character` in every column of the range.
    pub(super) fn fill(&mut self, columns: std::ops::Range<usize>, character: char, tone: Tone) {
        let count = columns.len();
        for cell in self.cells.iter_mut().skip(columns.start).take(count) {
            *cell = Some((character, tone));
        }
    }

    /// The row as text without spaces at its end.
    pub(super) fn draw(&self, colour: bool) -> String {
        let mut runs: Vec<(String, Tone)> = Vec::new();
        for (character, tone) in self.cells.iter().flatten() {
            match runs.last_mut() {
                Some((run, run_tone)) if run_tone == tone || *character == ' ' => run.push(*character),
                _ => runs.push((character.to_string(), *tone)),
            }
        }
        if let Some((last, _)) = runs.last_mut() {
            last.truncate(last.trim_end().len());
        }
        runs.iter().map(|(run, tone)| paint(run, *tone, colour)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_text_over_bars() {
        let mut row = Row::new(12);
        row.put(3, "│", Tone::Faint);
        row.put(9, "│", Tone::Faint);
        row.put(5, "試験", Tone::Plain);
        assert_eq!(row.draw(false), "   │ 試験│");
        row.fill(4..9, '─', Tone::Wire);
        assert_eq!(row.draw(false), "   │─────│");
        row.put(10, "far too long", Tone::Plain);
        assert_eq!(row.draw(false), "   │─────│fa");
    }
}
