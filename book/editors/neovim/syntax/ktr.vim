" Colours of rule files.
if exists("b:current_syntax")
  finish
endif

syn keyword ktrDeclaration policy library version use param pattern let score script fn rule test
syn keyword ktrControl if then else match any all count when do unless sum clamp with
syn keyword ktrOperator and or not has in is contains starts ends matches
syn keyword ktrClause alias assuming buffered by capture code except exclude expect for from fuzzy given held label message near no of on per reserve reserved route severity spent tags target targets to todo where within words
syn keyword ktrField arguments assistant call header model request response system text tool user
syn keyword ktrType bool int float duration money string regex map record enum
syn keyword ktrVerdict block escalate redact flag log allow
syn keyword ktrConstant true false present absent

syn match ktrNumber "\$\?\<[0-9][0-9_]*\(\.[0-9]\+\)\?\>"
syn match ktrNumber "\<\([0-9]\+\(ms\|[smhd]\)\)\+\>"
syn match ktrRegex "\(^\|[=(\[,]\|\<has\|\<matches\|\<near\|\<regex\)\s*\zs/[/*]\@!\(\\.\|[^/]\)\+/[a-z]*"
syn region ktrRegex start="\(=\|(\|\[\|,\|\<has\|\<near\)\s*\zs/\s*$" skip="\\." end="/[a-z]*"
syn match ktrEscape contained "\\\(u{[0-9A-Fa-f]\+}\|.\)"
syn region ktrString start=+"+ skip=+\\.+ end=+"+ oneline contains=ktrEscape
syn region ktrText start=+"""+ end=+"""+
syn match ktrComment "//.*$"
syn match ktrDoc "///.*$"

hi def link ktrDeclaration Keyword
hi def link ktrControl Conditional
hi def link ktrOperator Operator
hi def link ktrClause Statement
hi def link ktrField Identifier
hi def link ktrType Type
hi def link ktrVerdict Constant
hi def link ktrConstant Boolean
hi def link ktrNumber Number
hi def link ktrRegex String
hi def link ktrEscape SpecialChar
hi def link ktrString String
hi def link ktrText String
hi def link ktrComment Comment
hi def link ktrDoc SpecialComment

let b:current_syntax = "ktr"
