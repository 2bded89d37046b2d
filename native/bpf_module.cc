#include "bpf_module.h"

#include <ctime>

#include <climits>

#include "bpf_host.h"
#include "bpf_link.h"
#include "bpf_log.h"
#include "bpf_map.h"
#include "bpf_object.h"
#include "bpf_program.h"
#include "bpf_ring_buffer.h"
#include "capability_fill.h"
#include "egress_query.h"
#include "egress_watch.h"

namespace semrd {

namespace {

std::optional<HookMode> Mode(Napi::Value value, HookMode first, HookMode second) {
  if (value.IsUndefined()) return std::nullopt;
  std::string name = Text(value, "mode");
  for (HookMode mode : {first, second})
    if (name == NameOf(mode)) return mode;
  throw Napi::RangeError::New(value.Env(),
                              std::string("mode must be \"") + NameOf(first) + "\" or \"" + NameOf(second) + "\"");
}

// attachXdp(program: BpfProgram, ifindex: number, mode?: XdpMode): BpfLink
Napi::Value AttachXdpProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  BpfProgram& program = BpfProgram::From(info[0], "program");
  program.Require(env, BPF_PROG_TYPE_XDP, "xdp");
  int ifindex = InterfaceIndex(info[1]);
  auto mode = Mode(info[2], HookMode::kNative, HookMode::kGeneric);
  return BpfLink::Make(env, BpfLink::Parts{AttachXdp(program.Fd(env), ifindex, mode), {}});
}

TcPlace PlaceOf(Napi::Value value) {
  if (value.IsUndefined()) return TcPlace::kIngress;
  std::string name = Text(value, "place");
  if (name == "ingress") return TcPlace::kIngress;
  if (name == "before") return TcPlace::kBefore;
  if (name == "egress") return TcPlace::kEgress;
  throw Napi::RangeError::New(value.Env(), "place must be \"ingress\", \"before\" or \"egress\"");
}

// attachTc(program: BpfProgram, ifindex: number, mode?: TcMode, place?: TcPlace, filter?: FilterTerms): BpfLink
Napi::Value AttachTcProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  BpfProgram& program = BpfProgram::From(info[0], "program");
  program.Require(env, BPF_PROG_TYPE_SCHED_CLS, "tc");
  int ifindex = InterfaceIndex(info[1]);
  auto mode = Mode(info[2], HookMode::kTcx, HookMode::kClsact);
  auto terms = Options(info[4], "filter");
  std::string record = OptionalText(terms, "record").value_or("");
  Attachment attached = AttachTc(program.Fd(env), ifindex, mode, PlaceOf(info[3]), {record, Flag(terms, "keep")});
  std::vector<std::string> pins;
  if (attached.mode == HookMode::kClsact && !record.empty()) pins.push_back(record);
  return BpfLink::Make(env, BpfLink::Parts{std::move(attached), std::move(pins)});
}

// detachFilter(ifindex: number, place: TcPlace, program: number): boolean
Napi::Value DetachFilter(const Napi::CallbackInfo& info) {
  auto program = static_cast<uint32_t>(Whole(info[2], "program", 1, UINT32_MAX));
  return Napi::Boolean::New(info.Env(), DetachClsact(InterfaceIndex(info[0]), PlaceOf(info[1]), program));
}

// openLink(path: string): BpfLink
Napi::Value OpenLink(const Napi::CallbackInfo& info) {
  std::string path = Text(info[0], "path", PATH_MAX);
  return BpfLink::Make(info.Env(), BpfLink::Parts{Describe(Descriptor(OpenPinned(path))), {path}});
}

// openMap(path: string): BpfMap
Napi::Value OpenMap(const Napi::CallbackInfo& info) {
  auto map = std::make_shared<Descriptor>(OpenPinned(Text(info[0], "path", PATH_MAX)));
  MapShape shape = ShapeOfMap(map->get());
  return BpfMap::Make(info.Env(), BpfMap::Parts{std::move(shape), std::move(map)});
}

// queryXdp(ifindex: number): XdpAttachment | undefined
Napi::Value QueryXdpState(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  auto state = QueryXdp(InterfaceIndex(info[0]));
  if (!state) return env.Undefined();
  auto result = Napi::Object::New(env);
  result.Set("programId", Napi::Number::New(env, state->program_id));
  result.Set("mode", NameOf(state->mode));
  return result;
}

// queryEgress(ifindex: number): EgressState
Napi::Value QueryEgressState(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  EgressState state = QueryEgress(InterfaceIndex(info[0]));
  auto result = Napi::Object::New(env);
  result.Set("endsElsewhere", state.ends_elsewhere);
  result.Set("queue", state.queue);
  result.Set("programs", Napi::Number::New(env, state.programs));
  result.Set("filters", Napi::Number::New(env, state.filters));
  result.Set("chains", state.chains);
  if (state.frames_taken) result.Set("framesTaken", *state.frames_taken);
  return result;
}

// egressPrograms(ifindex: number): number
Napi::Value EgressPrograms(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), CountEgressPrograms(InterfaceIndex(info[0])));
}

// watchEgress(touched: (ifindexes?: number[]) => void): EgressWatch
Napi::Value WatchEgress(const Napi::CallbackInfo& info) {
  return EgressWatch::Make(info.Env(), EgressWatch::Parts{Callback(info[0], "touched")});
}

// openRingBuffer(map: BpfMap, bound: number, record: (octets: Uint8Array) => void): RingBuffer
Napi::Value OpenRingBuffer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  BpfMap& map = BpfMap::From(info[0], "map");
  auto bound = static_cast<size_t>(Whole(info[1], "bound", 1, 1 << 24));
  auto record = Callback(info[2], "record");
  if (map.shape().type != BPF_MAP_TYPE_RINGBUF) throw Napi::TypeError::New(env, "the map must be a ring buffer");
  return RingBuffer::Make(env, RingBuffer::Parts{Descriptor::Duplicate(map.Fd(env)), bound, record});
}

// mountBpffs(path: string): void
Napi::Value MountBpffsAt(const Napi::CallbackInfo& info) {
  MountBpffs(Text(info[0], "path", PATH_MAX));
  return info.Env().Undefined();
}

Napi::Value CountPossibleCpus(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), PossibleCpus());
}

// probe(): { usable: boolean, reason?: string, kernel: string }
// tickNanoseconds(): number
Napi::Value TickNanoseconds(const Napi::CallbackInfo& info) {
  timespec tick;  // the resolution of the coarse clocks
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0) ThrowErrno("clock_getres", "CLOCK_MONOTONIC_COARSE");
  return Napi::Number::New(info.Env(), static_cast<double>(tick.tv_sec) * 1e9 + static_cast<double>(tick.tv_nsec));
}

Napi::Value Probe(const Napi::CallbackInfo& info) {
  auto result = Napi::Object::New(info.Env());
  auto reason = WhyBpfIsUnusable();
  result.Set("usable", !reason.has_value());
  if (reason) result.Set("reason", *reason);
  result.Set("kernel", KernelRelease());
  return result;
}

}  // namespace

Napi::Object BpfModule(Napi::Env env) {
  TakeOverBpfLog();
  BpfMap::Define(env);
  BpfProgram::Define(env);
  BpfObject::Define(env);
  BpfLink::Define(env);
  RingBuffer::Define(env);
  EgressWatch::Define(env);

  auto bpf = Napi::Object::New(env);
  auto add = [&](const char* name, auto function) { bpf.Set(name, Napi::Function::New(env, function, name)); };
  add("load", Exported<LoadBpfObject>);
  add("attachXdp", Exported<AttachXdpProgram>);
  add("attachTc", Exported<AttachTcProgram>);
  add("detachFilter", Exported<DetachFilter>);
  add("openLink", Exported<OpenLink>);
  add("openMap", Exported<OpenMap>);
  add("queryXdp", Exported<QueryXdpState>);
  add("queryEgress", Exported<QueryEgressState>);
  add("egressPrograms", Exported<EgressPrograms>);
  add("watchEgress", Exported<WatchEgress>);
  add("testRun", Exported<TestRun>);
  add("openRingBuffer", Exported<OpenRingBuffer>);
  add("mountBpffs", Exported<MountBpffsAt>);
  add("fillCapabilities", Exported<FillCapabilities>);
  add("possibleCpus", Exported<CountPossibleCpus>);
  add("tickNanoseconds", Exported<TickNanoseconds>);
  add("probe", Exported<Probe>);
  return bpf;
}

}  // namespace semrd
