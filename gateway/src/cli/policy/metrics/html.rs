//! The same as one page: tables, and plots drawn as SVG. It asks nothing of any network.

use std::fmt::Write as _;

use super::Metrics;
use super::count::{Confusion, Scores};
use super::interval::Share;
use super::text::{called, named, percent, span_rows};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1c2430}\
    h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}\
    table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
    th,td{padding:.25rem .7rem;border-bottom:1px solid #dde3ea;text-align:right;white-space:nowrap}\
    th:first-child,td:first-child,.w{text-align:left}.scroll{overflow-x:auto}\
    svg{background:#fff;border:1px solid #dde3ea;margin:.4rem .8rem .4rem 0}text{font:11px system-ui,sans-serif;fill:#4a5665}\
    p{color:#4a5665}";

/// The page.
pub(super) fn page(metrics: &Metrics) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Detection, measured</title>\
         <style>{STYLE}</style></head><body>\n<h1>Detection, measured</h1>\n\
         <p>In brackets stands Wilson's interval of 95 %. A line counts as caught when its verdict is not <code>allow</code>.</p>\n"
    );
    if metrics.all.lines.lines() > 0 {
        sets(metrics, &mut out);
        rules(metrics, &mut out);
    }
    if metrics.all.spans.lines > 0 {
        spans(metrics, &mut out);
    }
    out.push_str("</body></html>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn open(heading: &[&str], out: &mut String) {
    out.push_str("<div class=\"scroll\"><table><tr>");
    heading.iter().for_each(|cell| {
        let _ = write!(out, "<th>{cell}</th>");
    });
    out.push_str("</tr>\n");
}

fn row(cells: &[String], out: &mut String) {
    out.push_str("<tr>");
    cells.iter().for_each(|cell| {
        let _ = write!(out, "<td>{}</td>", escaped(cell));
    });
    out.push_str("</tr>\n");
}

fn shares(counts: &Confusion) -> Vec<String> {
    let mut cells: Vec<String> =
        [counts.right, counts.missed, counts.wrong, counts.passed].iter().map(u64::to_string).collect();
    let of = [counts.precision(), counts.recall(), counts.f1(), counts.false_positives()];
    cells.extend(of.into_iter().map(percent));
    cells
}

const HEADING: [&str; 9] =
    ["set", "caught", "missed", "wrong", "passed", "precision", "recall", "F1", "false positives"];

fn sets(metrics: &Metrics, out: &mut String) {
    out.push_str("<h2>Sets</h2>\n");
    open(&HEADING, out);
    for (name, set) in named(metrics).filter(|(_, set)| set.lines.lines() > 0) {
        let mut cells = vec![name.to_owned()];
        cells.extend(shares(&set.lines));
        row(&cells, out);
    }
    out.push_str("</table></div>\n");
    bars(metrics, out);
}

fn rules(metrics: &Metrics, out: &mut String) {
    for (rule, all) in &metrics.all.rules {
        let _ = writeln!(out, "<h2>Rule {}</h2>", escaped(&called(rule)));
        open(&HEADING, out);
        for (name, set) in named(metrics) {
            if let Some(counts) = set.rules.get(rule) {
                let mut cells = vec![name.to_owned()];
                cells.extend(shares(&counts.confusion));
                row(&cells, out);
            }
        }
        out.push_str("</table></div>\n");
        if let Some(scores) = &all.scores {
            curves(scores, out);
        }
    }
}

fn spans(metrics: &Metrics, out: &mut String) {
    out.push_str("<h2>Spans</h2>\n<p>Spans and finds of the same label are paired, each once: touched when they have a character in common, exact when they begin and end alike.</p>\n");
    open(
        &["set", "label", "spans", "found", "touched", "exact", "precision", "recall", "F1", "exact F1"],
        out,
    );
    for (name, set) in named(metrics).filter(|(_, set)| set.spans.lines > 0) {
        for (label, matches) in span_rows(set) {
            let mut cells = vec![name.to_owned(), label.to_string()];
            cells.extend(
                [matches.gold, matches.found, matches.touched, matches.exact].map(|count| count.to_string()),
            );
            cells.extend(
                [matches.precision(), matches.recall(), matches.f1(), matches.exact_f1()]
                    .into_iter()
                    .map(percent),
            );
            row(&cells, out);
        }
    }
    out.push_str("</table></div>\n");
}

/// A bar for each set: its recall where something should be caught, its false positives where nothing should.
fn bars(metrics: &Metrics, out: &mut String) {
    let rows: Vec<(&str, Share, bool)> = named(metrics)
        .filter_map(|(name, set)| {
            let recall = set.lines.recall().map(|share| (name, share, true));
            recall.or_else(|| set.lines.false_positives().map(|share| (name, share, false)))
        })
        .collect();
    let height = rows.len() * 22 + 30;
    let _ = writeln!(
        out,
        "<svg width=\"760\" height=\"{height}\" role=\"img\" aria-label=\"share caught, by set\">"
    );
    for (at, (name, share, recall)) in rows.iter().enumerate() {
        let y = at * 22 + 8;
        let colour = if *recall { "#2f6fb3" } else { "#c2542d" };
        let (from, to, end) = (200.0 + share.low * 480.0, 200.0 + share.high * 480.0, share.value * 480.0);
        let _ = writeln!(
            out,
            "<text x=\"192\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <rect x=\"200\" y=\"{y}\" width=\"{end:.1}\" height=\"14\" fill=\"{colour}\"/>\
             <path d=\"M{from:.1} {mid}H{to:.1}\" stroke=\"#1c2430\"/>\
             <text x=\"700\" y=\"{}\">{:.1} %</text>",
            y + 11,
            escaped(name),
            y + 11,
            share.value * 100.0,
            mid = y + 7
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"200\" y=\"{}\">blue: caught of what should be; red: caught of what should not</text></svg>",
        height - 8
    );
}

/// Two plots: recall and false positives by threshold, and precision by recall.
fn curves(scores: &Scores, out: &mut String) {
    let curve = scores.curve();
    let recall = points(&curve, |threshold, counts| Some((threshold, counts.recall()?.value)));
    let wrong = points(&curve, |threshold, counts| Some((threshold, counts.false_positives()?.value)));
    let trade = points(&curve, |_, counts| Some((counts.recall()?.value, counts.precision()?.value)));
    plot(
        "threshold",
        "recall (blue), false positives (red)",
        &[(&recall, "#2f6fb3"), (&wrong, "#c2542d")],
        out,
    );
    plot("recall", "precision", &[(&trade, "#2f6fb3")], out);
}

/// The points of a line, where a plot has them.
fn points(curve: &[(f64, Confusion)], of: impl Fn(f64, &Confusion) -> Option<(f64, f64)>) -> String {
    let places = curve.iter().filter_map(|(threshold, counts)| of(*threshold, counts));
    let points = places.map(|(x, y)| format!("{:.1},{:.1}", 40.0 + x * 300.0, 230.0 - y * 200.0));
    points.collect::<Vec<_>>().join(" ")
}

fn plot(across: &str, up: &str, lines: &[(&str, &str)], out: &mut String) {
    let _ = write!(
        out,
        "<svg width=\"370\" height=\"270\" role=\"img\" aria-label=\"{up} by {across}\">\
         <path d=\"M40 30V230H340\" fill=\"none\" stroke=\"#4a5665\"/>"
    );
    for tenth in [0_u32, 2, 4, 6, 8, 10] {
        let (x, y) = (40 + tenth * 30, 230 - tenth * 20);
        let label = f64::from(tenth) / 10.0;
        let _ = write!(
            out,
            "<text x=\"{x}\" y=\"245\" text-anchor=\"middle\">{label:.1}</text>\
             <text x=\"34\" y=\"{}\" text-anchor=\"end\">{label:.1}</text>\
             <path d=\"M40 {y}H340\" stroke=\"#eef1f5\"/>",
            y + 4
        );
    }
    for (points, colour) in lines {
        let _ = write!(
            out,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"190\" y=\"262\" text-anchor=\"middle\">{across}</text><text x=\"40\" y=\"20\">{up}</text></svg>"
    );
}
