package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// site is one refusal in the source, and the text that makes it optional.
type site struct {
	name    string // "saml/gate.go enter: text of the condition"
	line    int
	inserts []insert
}

type insert struct {
	offset int
	text   string // %d in it becomes the number of the site
}

// A refusal is one of
//
//   - an if, or a case of a switch without expression, whose body ends in returning an error, false or nil, or in continue:
//     removed, its condition never holds;
//   - a call of check or judge, the functions that note a comparison: removed, the comparison holds;
//   - an error that is returned at the end of a function or of any other case: removed, the error is nil.
type finder struct {
	file    *token.File
	source  string
	verdict map[string]int // functions that note a comparison → which argument says whether it holds
	inside  string         // name of the function
	results []*ast.FuncType
	sites   []site
	label   string
}

// find lists the refusals of one file.
func find(label, source string, verdict map[string]int) ([]site, error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, label, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{file: set.File(tree.Pos()), source: source, verdict: verdict, label: label}
	for _, d := range tree.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if ok && fn.Body != nil {
			f.inside = fn.Name.Name
			f.function(fn.Type, fn.Body)
		}
	}
	seen := map[string]int{}
	for i := range f.sites {
		name := f.sites[i].name
		seen[name]++
		if seen[name] > 1 {
			f.sites[i].name += fmt.Sprintf(" (%d)", seen[name])
		}
	}
	return f.sites, nil
}

func (f *finder) function(t *ast.FuncType, body *ast.BlockStmt) {
	f.results = append(f.results, t)
	f.ending(body.List)
	ast.Inspect(body, f.visit)
	f.results = f.results[:len(f.results)-1]
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		f.function(n.Type, n.Body)
		return false
	case *ast.IfStmt:
		if f.refuses(n.Body.List) {
			text := f.text(n.Cond)
			if n.Init != nil {
				text = f.text(n.Init) + "; " + text
			}
			f.condition(n.Cond, text)
		}
	case *ast.SwitchStmt:
		for _, s := range n.Body.List {
			c := s.(*ast.CaseClause)
			if n.Tag == nil && len(c.List) == 1 && f.refuses(c.Body) {
				f.condition(c.List[0], f.text(c.List[0]))
			} else {
				f.ending(c.Body)
			}
		}
	case *ast.TypeSwitchStmt:
		for _, s := range n.Body.List {
			f.ending(s.(*ast.CaseClause).Body)
		}
	case *ast.CallExpr:
		at, ok := f.verdict[callee(n)]
		if ok && at < len(n.Args) {
			f.add(n.Pos(), f.text(n.Args[at]), insert{f.at(n.Args[at].Pos()), "("}, insert{f.at(n.Args[at].End()), ") || !mutateKeeps(%d)"})
		}
	}
	return true
}

// condition makes a condition optional.
func (f *finder) condition(c ast.Expr, text string) {
	f.add(c.Pos(), text, insert{f.at(c.Pos()), "("}, insert{f.at(c.End()), ") && mutateKeeps(%d)"})
}

// ending makes the error optional that a list of statements ends with.
func (f *finder) ending(list []ast.Stmt) {
	r, last := f.returned(list)
	if last == nil || f.kind() != "error" || !isRefusal(last, "error") {
		return
	}
	call, ok := last.(*ast.CallExpr)
	if ok {
		_, noted := f.verdict[callee(call)]
		if noted {
			return // its comparison is a site of its own
		}
	}
	f.add(r.Pos(), "return "+f.text(last), insert{f.at(last.Pos()), "mutatePass(%d, "}, insert{f.at(last.End()), ")"})
}

func (f *finder) refuses(list []ast.Stmt) bool {
	if len(list) > 0 {
		b, ok := list[len(list)-1].(*ast.BranchStmt)
		if ok && b.Tok == token.CONTINUE {
			return true
		}
	}
	_, last := f.returned(list)
	return last != nil && isRefusal(last, f.kind())
}

// returned is the last expression of a return that ends the list and gives every result by itself.
func (f *finder) returned(list []ast.Stmt) (*ast.ReturnStmt, ast.Expr) {
	if len(list) == 0 {
		return nil, nil
	}
	r, ok := list[len(list)-1].(*ast.ReturnStmt)
	results := f.results[len(f.results)-1].Results
	if !ok || len(r.Results) == 0 || len(r.Results) != results.NumFields() {
		return nil, nil
	}
	return r, r.Results[len(r.Results)-1]
}

// kind is the last result of the function: "error", "bool", "nil" for what can be nil, or "".
func (f *finder) kind() string {
	list := f.results[len(f.results)-1].Results.List
	switch t := list[len(list)-1].Type.(type) {
	case *ast.Ident:
		if t.Name == "error" || t.Name == "bool" {
			return t.Name
		}
	case *ast.StarExpr, *ast.ArrayType, *ast.MapType, *ast.FuncType, *ast.InterfaceType, *ast.SelectorExpr:
		return "nil"
	}
	return ""
}

func isRefusal(e ast.Expr, kind string) bool {
	id, _ := e.(*ast.Ident)
	switch kind {
	case "error":
		return id == nil || id.Name != "nil"
	case "bool":
		return id != nil && id.Name == "false"
	case "nil":
		return id != nil && id.Name == "nil"
	}
	return false
}

func callee(c *ast.CallExpr) string {
	switch fun := c.Fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return fun.Sel.Name
	}
	return ""
}

func (f *finder) add(pos token.Pos, text string, inserts ...insert) {
	text = strings.Join(strings.Fields(text), " ")
	f.sites = append(f.sites, site{name: f.label + " " + f.inside + ": " + text, line: f.file.Line(pos), inserts: inserts})
}

func (f *finder) at(p token.Pos) int { return f.file.Offset(p) }

func (f *finder) text(n ast.Node) string { return f.source[f.at(n.Pos()):f.at(n.End())] }

// rewritten is the source with every site optional; first is the number of the first.
func rewritten(source string, sites []site, first int) string {
	var all []insert
	for i, s := range sites {
		for _, in := range s.inserts {
			if strings.Contains(in.text, "%d") {
				in.text = fmt.Sprintf(in.text, first+i)
			}
			all = append(all, in)
		}
	}
	slices.SortStableFunc(all, func(a, b insert) int { return b.offset - a.offset })
	for _, in := range all {
		source = source[:in.offset] + in.text + source[in.offset:]
	}
	return source
}
