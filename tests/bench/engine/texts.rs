//! The texts that are measured: what people and programs write, of any length.

/// Kinds of harmless texts, by name.
pub const KINDS: [(&str, &str); 4] =
    [("prose", PROSE), ("code", CODE), ("json", JSON), ("multilingual", MULTILINGUAL)];

const PROSE: &str = "The committee met on Tuesday to discuss the budget for the coming year, and nobody was surprised \
when it ran late. Some members, who had travelled far, asked for a shorter agenda; the chair agreed to three points. \
First came the repair of the roof, which had been put off since the storm in March. An engineer explained what could \
be mended and what had to be built anew, and showed photographs of the beams. The second point was the library. Its \
opening hours had been cut two years ago, and parents wrote that their children had no quiet place after school. The \
treasurer thought that two afternoons a week were possible, provided that volunteers took turns at the desk. Somebody \
asked about the money from the summer fair. It had rained, the report said, but the lottery made up for it. At last \
they spoke of the bridge. A narrow one, it carries more lorries than anyone foresaw, and the village on the other side \
wants it closed to them. No decision was taken; the minutes will be sent out next week. ";

const CODE: &str = "use std::collections::HashMap;\n\n/// Counts words.\npub fn count(text: &str) -> HashMap<&str, usize> {\n    \
let mut counts = HashMap::new();\n    for word in text.split_whitespace() {\n        *counts.entry(word).or_insert(0) += \
1;\n    }\n    counts\n}\n\nimpl Iterator for Lines<'_> {\n    type Item = String;\n\n    fn next(&mut self) -> \
Option<Self::Item> {\n        let end = self.rest.find('\\n')?;\n        let (line, rest) = self.rest.split_at(end + \
1);\n        self.rest = rest;\n        Some(line.trim_end().to_owned())\n    }\n}\n\nfn main() {\n    let path = \
std::env::args().nth(1).expect(\"a path\");\n    let text = std::fs::read_to_string(&path).unwrap_or_default();\n    \
for (word, n) in count(&text) {\n        println!(\"{word}: {n}\");\n    }\n}\n\n";

const JSON: &str = "{\"id\": \"item-48213\", \"name\": \"folding chair\", \"tags\": [\"garden\", \"wood\"], \"price\": {\"amount\": 12.5, \
\"currency\": \"EUR\"}, \"stock\": {\"north\": 18, \"south\": 0}, \"sizes\": [40, 45, 50], \"active\": true, \"note\": null, \
\"description\": \"A chair that fits under every table\\nand is carried with one hand.\"},\n";

const MULTILINGUAL: &str = "Der Ausschuss hat am Dienstag über den Haushalt gesprochen, und niemand war überrascht, dass es \
später wurde. Le pont est étroit, et plus de camions y passent que prévu; le village d'en face demande qu'on le ferme. \
La biblioteca abrirá dos tardes por semana, siempre que haya voluntarios. Комитет обсудил бюджет на следующий год, и \
никто не удивился, что заседание затянулось. 委员会在星期二讨论了明年的预算，会议开得很晚，没有人感到意外。 来週、議事録が\
送られます。橋については決まりませんでした。 اللجنة ناقشت الميزانية يوم الثلاثاء ولم يتفاجأ أحد. ";

/// A text of about that many bytes that repeats `piece`.
pub fn of_length(piece: &str, bytes: usize) -> String {
    let mut text = piece.repeat(bytes / piece.len() + 1);
    text.truncate(text.floor_char_boundary(bytes));
    text
}

/// The lengths of prompts that are measured.
pub const LENGTHS: [usize; 3] = [200, 4 << 10, 64 << 10];
