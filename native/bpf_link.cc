#include "bpf_link.h"

#include <linux/bpf.h>
#include <unistd.h>

#include <climits>

#include "bpf_program.h"
#include "promise_work.h"

namespace semrd {

std::vector<BpfLink::PropertyDescriptor> BpfLink::Properties(Napi::Env env) {
  return {
      Method<&BpfLink::PinAt>("pin"),
      Method<&BpfLink::Update>("update"),
      Method<&BpfLink::IsThere>("isAttached"),
      Method<&BpfLink::Detach>("detach"),
      SymbolMethod<&BpfLink::Dispose>(env, "dispose"),
  };
}

BpfLink::BpfLink(const Napi::CallbackInfo& info) : Wrapped(info) {
  parts_ = std::move(PartsOf<Parts>(info));
  Napi::Env env = info.Env();
  using Property = Napi::PropertyDescriptor;
  info.This().As<Napi::Object>().DefineProperties({
      Property::Value("ifindex", Napi::Number::New(env, parts_.attachment.ifindex), napi_enumerable),
      Property::Value("mode", Napi::String::New(env, NameOf(parts_.attachment.mode)), napi_enumerable),
      Property::Value("pinnable", Napi::Boolean::New(env, !IsClsact()), napi_enumerable),
      Property::Value("replaced", Napi::Boolean::New(env, parts_.attachment.replaced), napi_enumerable),
  });
}

void BpfLink::RequireOpen(Napi::Env env) const {
  if (!open_) throw Napi::Error::New(env, "the link is disposed");
}

// pin(path: string): void
Napi::Value BpfLink::PinAt(const Napi::CallbackInfo& info) {
  RequireOpen(info.Env());
  std::string path = Text(info[0], "path", PATH_MAX);
  if (IsClsact())
    throw SystemCallFailure(EOPNOTSUPP, "bpf_obj_pin", "a clsact filter cannot be pinned: it stays anyway");
  Pin(parts_.attachment.link.get(), path);
  parts_.pins.push_back(path);
  return info.Env().Undefined();
}

// update(program: BpfProgram): Promise<void>
Napi::Value BpfLink::Update(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  RequireOpen(env);
  BpfProgram& program = BpfProgram::From(info[0], "program");
  bool xdp = parts_.attachment.mode == HookMode::kNative || parts_.attachment.mode == HookMode::kGeneric;
  program.Require(env, xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS, xdp ? "xdp" : "tc");

  struct Job {
    Descriptor program, link;
  };
  auto job = std::make_shared<Job>();
  job->program = Descriptor::Duplicate(program.Fd(env));
  if (!IsClsact()) job->link = Descriptor::Duplicate(parts_.attachment.link.get());
  return PromiseWork<bool>::Start(
      env, "semrd.bpf.linkUpdate",
      [job, ifindex = parts_.attachment.ifindex, place = parts_.attachment.place,
       id = program.shape().id, filter_program = parts_.attachment.filter_program] {
        if (job->link) {
          ReplaceLinkProgram(job->link.get(), job->program.get());
        } else {
          ReplaceClsactProgram(ifindex, job->program.get(), place);
          *filter_program = id;
        }
        return true;
      },
      [](Napi::Env on, bool&) { return on.Undefined(); });
}

// isAttached(): boolean
Napi::Value BpfLink::IsThere(const Napi::CallbackInfo& info) {
  RequireOpen(info.Env());
  return Napi::Boolean::New(info.Env(), IsAttached(parts_.attachment));
}

// detach(): void
Napi::Value BpfLink::Detach(const Napi::CallbackInfo& info) {
  RequireOpen(info.Env());
  if (IsClsact()) {
    DetachClsact(parts_.attachment.ifindex, parts_.attachment.place, *parts_.attachment.filter_program);
  } else {
    DetachLink(parts_.attachment.link.get());
  }
  for (const auto& pin : parts_.pins)
    if (unlink(pin.c_str()) != 0 && errno != ENOENT) ThrowErrno("unlink", pin);
  return Dispose(info);
}

Napi::Value BpfLink::Dispose(const Napi::CallbackInfo& info) {
  parts_.attachment.link.Close();
  open_ = false;
  return info.Env().Undefined();
}

}  // namespace semrd
