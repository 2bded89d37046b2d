// BPF_PROG_RUN: one packet in, verdict and packet out, without an interface.
#include <bpf/bpf.h>

#include <cerrno>
#include <climits>

#include "bpf_module.h"
#include "bpf_program.h"

namespace semrd {

namespace {

constexpr size_t kGrowth = 4096;  // more than a program can prepend and append
constexpr int kAttempts = 10;     // a signal, such as that of a child's end, cuts repeated runs short

// The kernel has written the sizes it read, so each attempt begins with the options as they were given.
int Run(int fd, const bpf_test_run_opts& given, bpf_test_run_opts& run) {
  for (int left = kAttempts; left > 0; left--) {
    run = given;
    if (bpf_prog_test_run_opts(fd, &run) == 0) return 0;
    if (errno != EINTR) break;
  }
  return -1;
}

}  // namespace

// testRun(program: BpfProgram, packet: Uint8Array, options?: { repeat?: number, ifindex?: number, gsoSize?: number }): TestRunResult
Napi::Value TestRun(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  BpfProgram& program = BpfProgram::From(info[0], "program");
  int fd = program.Fd(env);
  int repeat = 1, ifindex = 0;
  uint32_t gso_size = 0;
  if (auto given = Options(info[2], "options")) {
    if (auto value = given->Get("repeat"); !value.IsUndefined())
      repeat = static_cast<int>(Whole(value, "options.repeat", 1, INT_MAX));
    if (auto value = given->Get("ifindex"); !value.IsUndefined()) ifindex = InterfaceIndex(value);
    if (auto value = given->Get("gsoSize"); !value.IsUndefined())
      gso_size = static_cast<uint32_t>(Whole(value, "options.gsoSize", 1, UINT16_MAX));
  }
  auto packet = Octets(info[1], "packet");

  std::vector<uint8_t> out(packet.size() + kGrowth);
  LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(), .data_out = out.data(),
              .data_size_in = static_cast<uint32_t>(packet.size()), .data_size_out = static_cast<uint32_t>(out.size()),
              .repeat = repeat);
  xdp_md xdp = {};
  __sk_buff skb = {};
  bool is_xdp = program.shape().type == BPF_PROG_TYPE_XDP;
  if (is_xdp && gso_size != 0) throw Napi::RangeError::New(env, "options.gsoSize: XDP knows no super-packets");
  if (ifindex != 0 && is_xdp) {
    xdp.data_end = run.data_size_in;
    xdp.ingress_ifindex = static_cast<uint32_t>(ifindex);
    run.ctx_in = &xdp;
    run.ctx_size_in = sizeof(xdp);
  } else if (ifindex != 0 || gso_size != 0) {
    skb.gso_size = gso_size;
    skb.ifindex = skb.ingress_ifindex = static_cast<uint32_t>(ifindex);
    run.ctx_in = &skb;
    run.ctx_size_in = sizeof(skb);
  }
  const bpf_test_run_opts given = run;
  if (Run(fd, given, run) != 0) ThrowErrno("bpf_prog_test_run_opts", program.shape().name);

  auto result = Napi::Object::New(env);
  result.Set("returnValue", Napi::Number::New(env, static_cast<int32_t>(run.retval)));
  result.Set("packet", CopyOut(env, out.data(), run.data_size_out));
  result.Set("durationNs", Napi::Number::New(env, run.duration));
  return result;
}

}  // namespace semrd
