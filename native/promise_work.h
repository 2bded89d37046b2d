// Work on Node's thread pool whose outcome settles a promise.
#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <utility>

#include "arguments.h"

namespace semrd {

template <typename Result>
class PromiseWork final : public Napi::AsyncWorker {
 public:
  using Run = std::function<Result()>;                             // on a worker: no JavaScript
  using Finish = std::function<Napi::Value(Napi::Env, Result&)>;  // on the main thread

  static Napi::Value Start(Napi::Env env, const char* name, Run run, Finish finish) {
    auto* work = new PromiseWork(env, name, std::move(run), std::move(finish));  // deletes itself when complete
    Napi::Promise promise = work->deferred_.Promise();
    work->Queue();
    return promise;
  }

 private:
  PromiseWork(Napi::Env env, const char* name, Run run, Finish finish)
      : Napi::AsyncWorker(env, name), deferred_(env), run_(std::move(run)), finish_(std::move(finish)) {}

  void Execute() override {
    try {
      result_ = run_();
    } catch (const SystemCallFailure& failure) {
      failure_ = failure;
    } catch (const std::exception& failure) {
      SetError(failure.what());
    }
  }

  void OnOK() override {
    try {
      if (failure_) throw ErrorOf(Env(), *failure_);
      deferred_.Resolve(finish_(Env(), *result_));
    } catch (const SystemCallFailure& failure) {
      deferred_.Reject(ErrorOf(Env(), failure).Value());
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

  Napi::Promise::Deferred deferred_;
  Run run_;
  Finish finish_;
  std::optional<Result> result_;
  std::optional<SystemCallFailure> failure_;
};

}  // namespace semrd
