package journal

// The lines of the journal. driver/histories/link_events.py describes each, and reads them.
type (
	header struct {
		Event string  `json:"event"`
		AtNs  int64   `json:"at_ns"`
		WallS float64 `json:"wall_s"`
		By    string  `json:"by"`
	}
	processStarted struct {
		header
		Role        string   `json:"role"`
		Incarnation string   `json:"incarnation"`
		Settings    struct{} `json:"settings"`
	}
	processStopping struct {
		header
		Reason string `json:"reason"`
	}
	linkNamed struct {
		header
		Link string `json:"link"`
		Name string `json:"name"`
	}
	connectionOpened struct {
		header
		Link       string `json:"link"`
		Connection int64  `json:"connection"`
		AskedNs    int64  `json:"asked_ns"`
		DiallingNs int64  `json:"dialling_ns"`
		DialledNs  int64  `json:"dialled_ns"`
	}
	connectionFailed struct {
		header
		Link       string `json:"link"`
		AskedNs    int64  `json:"asked_ns"`
		DiallingNs int64  `json:"dialling_ns"`
		Why        string `json:"why"`
		Detail     string `json:"detail"`
	}
	connectionAnswered struct {
		header
		Link       string `json:"link"`
		Connection int64  `json:"connection"`
		Status     int    `json:"status"`
		WebSocket  bool   `json:"websocket"`
	}
	// faultStruck is the byte of a connection at which a fault began by itself.
	faultStruck struct {
		header
		Link       string `json:"link"`
		Connection int64  `json:"connection"`
		Fault      string `json:"fault"`
		Side       string `json:"side"`
		Bytes      int64  `json:"bytes"`
		Frame      int64  `json:"frame"`
		Exact      bool   `json:"exact"`
	}
	// connectionSeen is a connection as it is; connectionEnded has the same fields, and the cause.
	connectionSeen struct {
		header
		Link       string   `json:"link"`
		Connection int64    `json:"connection"`
		OpenedNs   int64    `json:"opened_ns"`
		Client     sideView `json:"client"`
		Server     sideView `json:"server"`
		EndedBy    string   `json:"ended_by,omitempty"`
		How        string   `json:"how,omitempty"`
	}
	// A sideView is what one side sent, and how it ended.
	sideView struct {
		Bytes     int64         `json:"bytes"`
		FirstNs   int64         `json:"first_ns"`
		LastNs    int64         `json:"last_ns"`
		EndedNs   int64         `json:"ended_ns"`
		How       string        `json:"how"`
		CloseCode int           `json:"close_code,omitempty"`
		Pings     *pingsSummary `json:"pings,omitempty"`
	}
	// A pingsSummary is the pings that one side sent. RttUs are the newest round trips that no earlier line has.
	pingsSummary struct {
		Sent      int64   `json:"sent"`
		Answered  int64   `json:"answered"`
		MinUs     int64   `json:"min_us"`
		MedianUs  int64   `json:"median_us"`
		MaxUs     int64   `json:"max_us"`
		WaitingNs int64   `json:"waiting_ns"`
		RttUs     []int64 `json:"rtt_us"`
	}
	// linesOmitted counts the lines of one link that are not in the journal, because too many came.
	linesOmitted struct {
		header
		Link   string           `json:"link"`
		Counts map[string]int64 `json:"counts"`
	}
)
