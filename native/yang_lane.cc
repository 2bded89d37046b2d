#include "yang_lane.h"

namespace semrd {

Napi::Error ErrorOf(Napi::Env env, const YangFailure& failure) {
  auto error = Napi::Error::New(env, failure.what());
  auto faults = Napi::Array::New(env);
  for (const auto& fault : failure.faults()) {
    auto entry = Napi::Object::New(env);
    entry.Set("errorTag", fault.tag);
    entry.Set("errorType", fault.type);
    entry.Set("message", fault.message);
    if (!fault.path.empty()) entry.Set("path", fault.path);
    if (!fault.app_tag.empty()) entry.Set("appTag", fault.app_tag);
    if (fault.line != 0) entry.Set("line", Napi::Number::New(env, static_cast<double>(fault.line)));
    if (!fault.bad_element.empty()) entry.Set("badElement", fault.bad_element);
    if (!fault.bad_attribute.empty()) entry.Set("badAttribute", fault.bad_attribute);
    if (!fault.bad_namespace.empty()) entry.Set("badNamespace", fault.bad_namespace);
    faults.Set(faults.Length(), entry);
  }
  error.Set("code", "EYANG");
  error.Set("faults", faults);
  return error;
}

Napi::Error ErrorOf(Napi::Env env, std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const YangFailure& cause) {
    return ErrorOf(env, cause);
  } catch (const SystemCallFailure& cause) {
    return ErrorOf(env, cause);
  } catch (const std::exception& cause) {
    return Napi::Error::New(env, cause.what());
  }
}

Napi::Error ContextDisposed(Napi::Env env) {
  return ErrorOf(env, SystemCallFailure(ECANCELED, "yang", "the context is disposed"));
}

YangLane::YangLane(Napi::Env env) : env_(env) {
  auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  announce_ = Napi::ThreadSafeFunction::New(env, nothing, "semrd.yang", 0, 1);
  announce_.Unref(env);  // only jobs under way keep the process alive
  // Hooks run last in, first out: the thread is gone before Node takes `announce_` down.
  at_exit_ = env.AddCleanupHook(+[](YangLane* lane) { lane->Halt(); }, this);
  thread_ = std::thread(&YangLane::Serve, this);
}

YangLane::~YangLane() { Stop(); }

void YangLane::Serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return core_.reset();
    auto job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job->Run(core_);
    lock.lock();
    done_.push_back(std::move(job));
    announce_.NonBlockingCall(this, [](Napi::Env, Napi::Function, YangLane* lane) { lane->SettleDone(); });
  }
}

void YangLane::Enqueue(std::unique_ptr<YangJob> job) {
  if (pending_++ == 0) announce_.Ref(env_);
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();  // not before: the thread would only wait for the lock
}

void YangLane::RunHere(std::unique_ptr<YangJob> job) {
  job->Run(core_);
  job->Settle(env_);
}

void YangLane::Post(std::unique_ptr<YangJob> job) {
  if (open())
    Enqueue(std::move(job));
  else
    job->Cancel(env_);
}

void YangLane::Close(std::unique_ptr<YangJob> last) {
  closing_ = true;
  std::deque<std::unique_ptr<YangJob>> cancelled;
  {
    std::lock_guard lock(mutex_);
    cancelled.swap(waiting_);
  }
  pending_ -= cancelled.size();
  Enqueue(std::move(last));
  for (auto& job : cancelled) job->Cancel(env_);
}

void YangLane::SettleDone() {
  std::unique_ptr<YangJob> job;
  {
    std::lock_guard lock(mutex_);
    if (done_.empty()) return;
    job = std::move(done_.front());
    done_.pop_front();
  }
  if (--pending_ == 0) announce_.Unref(env_);
  job->Settle(env_);
}

void YangLane::Halt() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_one();
  }
  thread_.join();
  announce_.Abort();
  // Jobs share in owning this lane: the last one may take it along, so nothing of it is touched after them.
  auto waiting = std::move(waiting_);
  auto done = std::move(done_);
}

void YangLane::Stop() {
  if (!thread_.joinable()) return;
  at_exit_.Remove(env_);
  Halt();
}

}  // namespace semrd
