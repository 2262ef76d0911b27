// Package problem is the error answer of the routes under /lab/.
package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// Details are an error with its HTTP status, as the client receives it. Links has the error of each link, where that helps.
type Details struct {
	Message string            `json:"error"`
	Status  int               `json:"status"`
	Links   map[string]string `json:"links,omitempty"`
}

// BadRequest makes the details of a request that is wrong; nothing was changed by it.
func BadRequest(format string, values ...any) *Details {
	return &Details{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, values...)}
}

// OfJSON describes an error of encoding/json by the field and types that the client wrote.
func OfJSON(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err.Error()
	}
	kind := wrong.Type.String()
	switch wrong.Type.Kind() {
	case reflect.Struct, reflect.Map:
		kind = "object"
	case reflect.Slice:
		kind = "array"
	}
	return strings.TrimSpace(fmt.Sprintf("%s must be of type %s, not %s", wrong.Field, kind, wrong.Value))
}
