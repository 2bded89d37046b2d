// A session with scrapligo, in both framings. Prints one JSON object of what the router answered.
//
// usage: session ADDRESS PORT USER PASSWORD
package main

import (
	"encoding/json"
	"os"
	"strconv"
	"time"

	"github.com/scrapli/scrapligo/driver/netconf"
	"github.com/scrapli/scrapligo/driver/opoptions"
	"github.com/scrapli/scrapligo/driver/options"
	"github.com/scrapli/scrapligo/response"
)

const (
	tenants = `<router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"/></router>`
	beta    = `<config><router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant>` +
		`<name>beta</name><index>2</index><route-distinguisher>0:65000:2</route-distinguisher>` +
		`<import-target>65000:2</import-target><export-target>65000:2</export-target></tenant></tenants></router></config>`
	wrong = `<config><router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"><tenant>` +
		`<name>acme</name><index>x</index></tenant></tenants></router></config>`
)

type step struct {
	Name   string `json:"name"`
	Failed bool   `json:"failed"`
	Result string `json:"result"`
}

type told struct {
	Version string `json:"version"`
	Session uint64 `json:"session"`
	Steps   []step `json:"steps"`
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func session(version string) told {
	driver := must(netconf.NewDriver(
		os.Args[1],
		options.WithPort(must(strconv.Atoi(os.Args[2]))),
		options.WithAuthUsername(os.Args[3]),
		options.WithAuthPassword(os.Args[4]),
		options.WithAuthNoStrictKey(),
		options.WithTransportType("standard"),
		options.WithNetconfPreferredVersion(version),
		options.WithTimeoutOps(20*time.Second),
	))
	if err := driver.Open(); err != nil {
		panic(err)
	}
	defer driver.Close()
	seen := told{Version: driver.SelectedVersion, Session: driver.SessionID()}
	note := func(name string, reply *response.NetconfResponse, err error) {
		answer := must(reply, err)
		seen.Steps = append(seen.Steps, step{name, answer.Failed != nil, answer.Result})
	}
	take := func(name string) func(*response.NetconfResponse, error) {
		return func(reply *response.NetconfResponse, err error) { note(name, reply, err) }
	}
	take("lock")(driver.Lock("candidate"))
	take("edit")(driver.EditConfig("candidate", beta))
	take("validate")(driver.Validate("candidate"))
	take("confirmed")(driver.Commit(opoptions.WithCommitConfirmed(), opoptions.WithCommitConfirmTimeout(60)))
	take("confirm")(driver.Commit())
	take("running")(driver.GetConfig("running", opoptions.WithFilter(tenants)))
	take("state")(driver.Get(tenants))
	take("mistake")(driver.EditConfig("candidate", wrong))
	take("discard")(driver.Discard())
	take("unlock")(driver.Unlock("candidate"))
	take("startup")(driver.CopyConfig("running", "startup"))
	return seen
}

func main() {
	if err := json.NewEncoder(os.Stdout).Encode([]told{session("1.1"), session("1.0")}); err != nil {
		panic(err)
	}
}
