// The thread of one libyang context. Jobs run there one at a time, in order; their outcome comes back to the main
// thread. Long validations so never occupy Node's thread pool, which DNS and files need.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>

#include "arguments.h"
#include "yang_core.h"

namespace semrd {

Napi::Error ErrorOf(Napi::Env env, const YangFailure& failure);
Napi::Error ErrorOf(Napi::Env env, std::exception_ptr failure);
Napi::Error ContextDisposed(Napi::Env env);

class YangJob {
 public:
  virtual ~YangJob() = default;
  virtual void Run(std::unique_ptr<YangCore>& core) = 0;  // on the lane; throws nothing
  virtual void Settle(Napi::Env env) = 0;                 // on the main thread, after Run
  virtual void Cancel(Napi::Env env) = 0;                 // on the main thread, instead of both
};

// All members are called on the main thread.
class YangLane {
 public:
  explicit YangLane(Napi::Env env);
  ~YangLane();
  YangLane(const YangLane&) = delete;
  YangLane& operator=(const YangLane&) = delete;

  bool open() const { return thread_.joinable() && !closing_; }

  // Queues a job; one that comes after Close is cancelled.
  void Post(std::unique_ptr<YangJob> job);
  // The context, while the thread has nothing to do: for work so small that two changes of threads would take longer.
  YangCore* Idle() const { return open() && pending_ == 0 ? core_.get() : nullptr; }
  // Does a job on this thread, right after Idle() has given the context.
  void RunHere(std::unique_ptr<YangJob> job);
  // Cancels what waits, then queues `last`, which must free the context and call Stop when settled.
  void Close(std::unique_ptr<YangJob> last);
  // Waits for the job under way and ends the thread, which frees the context.
  void Stop();

 private:
  void Halt();
  void Serve();  // the thread
  void SettleDone();
  void Enqueue(std::unique_ptr<YangJob> job);

  Napi::Env env_;
  Napi::ThreadSafeFunction announce_;
  Napi::Env::CleanupHook<void (*)(YangLane*), YangLane> at_exit_;
  size_t pending_ = 0;  // jobs that are not settled: without one the thread waits, and has left `core_` alone
  bool closing_ = false;
  std::unique_ptr<YangCore> core_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<YangJob>> waiting_, done_;
  bool stop_ = false;
  std::thread thread_;
};

// A job whose outcome settles a promise.
template <typename Result>
class YangPromiseJob final : public YangJob {
 public:
  using Work = std::function<Result(std::unique_ptr<YangCore>&)>;
  using Finish = std::function<Napi::Value(Napi::Env, Result&)>;
  using Failed = std::function<void()>;

  YangPromiseJob(Napi::Env env, Work work, Finish finish, Failed failed = nullptr)
      : deferred_(env), work_(std::move(work)), finish_(std::move(finish)), failed_(std::move(failed)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Run(std::unique_ptr<YangCore>& core) override {
    try {
      outcome_.template emplace<Result>(work_(core));
    } catch (...) {
      outcome_ = std::current_exception();
    }
  }

  void Settle(Napi::Env env) override {
    if (auto* failure = std::get_if<std::exception_ptr>(&outcome_)) {
      deferred_.Reject(ErrorOf(env, *failure).Value());
      if (failed_) failed_();
      return;
    }
    try {
      deferred_.Resolve(finish_(env, std::get<Result>(outcome_)));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

  void Cancel(Napi::Env env) override { deferred_.Reject(ContextDisposed(env).Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Work work_;
  Finish finish_;
  Failed failed_;
  std::variant<std::monostate, Result, std::exception_ptr> outcome_;
};

// Queues a job; the promise of its outcome. `here`: as RunHere.
template <typename Result>
Napi::Value Queue(Napi::Env env, const std::shared_ptr<YangLane>& lane, typename YangPromiseJob<Result>::Work work,
                  typename YangPromiseJob<Result>::Finish finish,
                  typename YangPromiseJob<Result>::Failed failed = nullptr, bool here = false) {
  auto job = std::make_unique<YangPromiseJob<Result>>(env, std::move(work), std::move(finish), std::move(failed));
  Napi::Promise promise = job->promise();
  if (here)
    lane->RunHere(std::move(job));
  else
    lane->Post(std::move(job));
  return promise;
}

}  // namespace semrd
