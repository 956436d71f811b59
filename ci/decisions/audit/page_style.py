"""How the page looks: light and dark, narrow and wide, nothing loaded from anywhere."""

STYLE = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1c2530;--dim:#5d6b7a;--line:#dfe4ea;
--code:#f0f3f6;--done:#16794a;--failed:#c22f3d;--open:#7a8794;--warning:#a8650a;--note:#4a6fa5;
--done-bg:#e3f4ea;--failed-bg:#fde8ea;--open-bg:#eceff2;--warning-bg:#fbf0dc;--note-bg:#e6edf7}
@media(prefers-color-scheme:dark){:root{--bg:#10151b;--card:#182029;--ink:#e4eaf0;--dim:#93a1af;
--line:#2a3541;--code:#10171e;--done:#56cf92;--failed:#ff8189;--open:#8b98a5;--warning:#f0b45b;
--note:#8fb2e8;--done-bg:#12301f;--failed-bg:#3a191d;--open-bg:#222c36;--warning-bg:#33270f;
--note-bg:#1a2a42}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1160px;margin:0 auto;padding:28px 18px 60px}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere;letter-spacing:-.01em}
h2{font-size:1.02rem;margin:0 0 14px}
.dim{color:var(--dim)}
.mono,code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{font-size:.88em;background:var(--code);padding:.1em .35em;border-radius:4px;
overflow-wrap:anywhere}
pre{background:var(--code);border:1px solid var(--line);border-radius:8px;padding:10px 12px;
margin:8px 0;overflow:auto;font-size:12.5px;line-height:1.5;white-space:pre}
pre b{color:var(--dim);font-weight:600}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:20px 22px;
margin-top:16px}
.verdict{display:flex;flex-wrap:wrap;gap:8px;margin-top:14px}
.pill{display:inline-block;border-radius:99px;padding:3px 12px;font-weight:600;font-size:.86rem;
white-space:nowrap}
.done{color:var(--done)}.failed,.error{color:var(--failed)}.open{color:var(--open)}
.warning{color:var(--warning)}.note{color:var(--note)}
.pill.done{background:var(--done-bg)}.pill.failed,.pill.error{background:var(--failed-bg)}
.pill.open{background:var(--open-bg)}.pill.warning{background:var(--warning-bg)}
.pill.note{background:var(--note-bg)}
.timeline{list-style:none;display:flex;margin:0;padding:4px 0 0}
.timeline li{flex:1 1 0;min-width:0;position:relative;padding:28px 12px 0 0}
.timeline li::before{content:"";position:absolute;left:0;right:0;top:9px;height:3px;
background:currentColor;opacity:.35}
.timeline li:last-child::before{right:auto;width:16px}
.timeline li.failed::before,.timeline li.open::before{background:none;
border-top:3px dashed currentColor}
.timeline li::after{content:"";position:absolute;left:0;top:2px;width:17px;height:17px;
border-radius:50%;background:var(--card);border:4px solid currentColor}
.timeline li.done::after{background:currentColor}
.timeline b{display:block;color:var(--ink);line-height:1.3}
.timeline time,.timeline span{display:block;font-size:.8rem;color:var(--dim);
overflow-wrap:anywhere;line-height:1.4;margin-top:2px}
.causes{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(300px,1fr))}
.cause{border:1px solid var(--line);border-left:5px solid currentColor;border-radius:10px;
padding:12px 14px;min-width:0}
.cause.main{grid-column:1/-1}
.cause>*{color:var(--ink)}
.cause b.id{color:inherit;margin-right:6px}
.cause p{margin:6px 0 0;overflow-wrap:anywhere}
.cause ul{margin:10px 0 0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:8px}
.cause li{background:var(--open-bg);border-radius:8px;padding:4px 10px;font-size:.86rem}
.fix{color:var(--dim);font-size:.92rem}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:8px 12px 8px 0;border-top:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}
th{font-size:.78rem;text-transform:uppercase;letter-spacing:.05em;color:var(--dim);border:0;
padding-top:0;font-weight:600}
.steps td:first-child{white-space:nowrap;font-weight:600}
.digest{display:inline-flex;align-items:center;gap:7px;white-space:nowrap}
.digest i{display:inline-block;width:7px;height:16px;margin-right:-6px}
.digest i:first-child{border-radius:3px 0 0 3px}
.digest i:nth-of-type(6){border-radius:0 3px 3px 0;margin-right:0}
.beats{display:flex;gap:4px;align-items:flex-end;list-style:none;margin:0;padding:0}
.beats li{width:16px;height:34px;border-radius:4px;background:currentColor}
.beats li.failed{height:16px}
details{border-top:1px solid var(--line);padding:10px 0}
details:last-child{padding-bottom:0}
summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}
summary .count{color:var(--dim);font-weight:400}
.seen{margin:12px 0 0;overflow-wrap:anywhere}
ul.plain{margin:0;padding-left:18px}
ul.plain li{margin:4px 0;overflow-wrap:anywhere}
@media(max-width:820px){main{padding:18px 12px 40px}section{padding:16px 14px}
.timeline{display:block}.timeline li{padding:0 0 18px 30px}
.timeline li::before,.timeline li.failed::before,.timeline li.open::before{left:7px;right:auto;
top:10px;bottom:-6px;width:3px;height:auto}
.timeline li.failed::before,.timeline li.open::before{border-top:0;width:0;
border-left:3px dashed currentColor}
.timeline li:last-child::before{display:none}
.steps thead{display:none}.steps tr{display:block;border-top:1px solid var(--line);padding:8px 0}
.steps td{display:block;border:0;padding:2px 0}}
@media print{body{background:#fff}section{break-inside:avoid}}
"""
