package sandboxtest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

const frame = "df = pd.DataFrame({'x': np.arange(3), 'y': np.array([1.5, np.nan, 3])})\n"

func figureCases() []testCase {
	return []testCase{
		{name: "a plotly figure, with plain arrays", run: func(t *testing.T, s session) {
			o := s.one(t, frame+"px.line(df, x='x', y='y', title='A <b>line</b>')", execution.MIMEPlotly)
			if o.Title != "A line" {
				t.Errorf("the title is %q", o.Title)
			}
			var figure struct {
				Data []struct {
					Type string     `json:"type"`
					X    []float64  `json:"x"`
					Y    []*float64 `json:"y"`
				} `json:"data"`
				Layout map[string]any `json:"layout"`
			}
			if err := json.Unmarshal(o.JSON, &figure); err != nil {
				t.Fatal(err)
			}
			d := figure.Data[0]
			if d.Type != "scatter" || len(d.X) != 3 || d.X[2] != 2 || d.Y[1] != nil || *d.Y[2] != 3 || figure.Layout["title"] == nil {
				t.Errorf("the figure is %s", o.JSON)
			}
		}},
		{name: "shown twice, comes once", run: func(t *testing.T, s session) {
			s.one(t, frame+"fig = px.bar(df, x='x', y='y')\nfig.show()\ndisplay(fig)\nfig", execution.MIMEPlotly)
			if o := s.ok(t, "fig.show()\nfig.update_layout(title='other')\nfig.show()"); len(o.outputs) != 2 {
				t.Errorf("two different figures came as %v", o.order)
			}
		}},
		{name: "many kinds of plotly figures", run: func(t *testing.T, s session) {
			o := s.ok(t, frame+`for f in (
    px.imshow(np.eye(4)), px.histogram(df, x="y"), px.box(df, y="y"), px.pie(df, values="x"),
    px.scatter(df, x="x", y="y", animation_frame="x"), px.scatter_3d(df, x="x", y="y", z="x"),
    go.Figure(go.Heatmap(z=np.ones((2, 3), "int8"))), go.Figure(),
): display(f)`)
			if len(o.outputs) != 8 {
				t.Fatalf("showed %v", o.order)
			}
			for _, out := range o.outputs {
				if strings.Contains(string(out.JSON), "bdata") {
					t.Errorf("a packed array in %.200s", out.JSON)
				}
			}
		}},
		{name: "a figure that is too large says what to do", run: func(t *testing.T, s session) {
			f := s.fails(t, "px.scatter(x=np.random.rand(500_000), y=np.random.rand(500_000))", "ValueError")
			contains(t, "the message", f.Message, "Aggregate")
			s.prints(t, "print('on')", "on\n")
		}},
		{name: "open matplotlib figures at the end, then closed", run: func(t *testing.T, s session) {
			o := s.one(t, "plt.plot([1, 2])\nplt.title('Up')", execution.MIMEPNG)
			if o.Title != "Up" || !strings.HasPrefix(content(t, o), "\x89PNG\r\n") || o.Artifact.MIMEType != "image/png" {
				t.Errorf("title %q, type %s", o.Title, o.Artifact.MIMEType)
			}
			if o := s.ok(t, "print(plt.get_fignums())"); o.stdout != "[]\n" || len(o.outputs) != 0 {
				t.Errorf("then %q, %v", o.stdout, o.order)
			}
		}},
		{name: "matplotlib without duplicates", run: func(t *testing.T, s session) {
			s.one(t, "plt.plot([1, 2])\nplt.show()", execution.MIMEPNG)
			s.one(t, "fig, ax = plt.subplots()\nax.bar(['a'], [1])\nfig.show()\nplt.show()", execution.MIMEPNG)
			s.one(t, "fig, ax = plt.subplots()\nax.hist([1, 2, 2])\nfig", execution.MIMEPNG)
			s.one(t, "plt.hist([1, 2, 2])", execution.MIMEPNG)
			s.one(t, frame+"df.plot(x='x', y='y')", execution.MIMEPNG)
			s.one(t, "import matplotlib\nmatplotlib.use('Agg')\nplt.plot([3, 1])\nplt.show()", execution.MIMEPNG)
			if o := s.ok(t, "plt.figure()\nplt.show()"); len(o.outputs) != 0 {
				t.Errorf("an empty figure showed %v", o.order)
			}
		}},
		{name: "a figure is shown where the step failed after it", run: func(t *testing.T, s session) {
			o := s.try(t, t.Context(), "plt.plot([1, 2])\n1/0")
			if o.result.Failure == nil || o.result.Failure.Name != "ZeroDivisionError" || len(o.outputs) != 1 {
				t.Errorf("failure %+v, shown %v", o.result.Failure, o.order)
			}
		}},
		{name: "an enormous matplotlib figure", run: func(t *testing.T, s session) {
			f := s.fails(t, "plt.figure(figsize=(2000, 2000))\nplt.plot([1, 2])", "ValueError")
			contains(t, "the message", f.Message, "figsize")
			o := s.one(t, "plt.figure(figsize=(100, 100))\nplt.plot([1, 2])\nplt.text(30, 1, 'far')", execution.MIMEPNG)
			if o.Artifact.SizeBytes > 16<<20 {
				t.Errorf("a picture of %d bytes", o.Artifact.SizeBytes)
			}
		}},
		{name: "a picture", run: func(t *testing.T, s session) {
			o := s.one(t, "from PIL import Image\nImage.new('CMYK', (20, 10))", execution.MIMEPNG)
			if !strings.HasPrefix(content(t, o), "\x89PNG\r\n") {
				t.Error("no PNG")
			}
		}},
		{name: "what draws itself as a picture", run: func(t *testing.T, s session) {
			o := s.one(t, "import seaborn.objects as so\nso.Plot(x=[1, 2], y=[3, 1]).add(so.Line())", execution.MIMEPNG)
			if !strings.HasPrefix(content(t, o), "\x89PNG\r\n") {
				t.Error("no PNG")
			}
			s.one(t, "class Liar:\n    def _repr_png_(self): return b'<svg onload=alert(1)>'\nLiar()", execution.MIMEText)
		}},
		{name: "seaborn and scikit-learn work", run: func(t *testing.T, s session) {
			s.one(t, "import seaborn as sns\nsns.barplot(x=['a', 'b'], y=[1, 2])", execution.MIMEPNG)
			s.prints(t, `from sklearn.linear_model import LinearRegression
from scipy import stats
import statsmodels.api as sm
x = np.arange(10.0)
print(round(LinearRegression().fit(x[:, None], 2 * x).coef_[0], 6), round(stats.pearsonr(x, x)[0], 6),
      round(sm.OLS(2 * x, x).fit().params[0], 6))`, "2.0 1.0 2.0\n")
		}},
	}
}
