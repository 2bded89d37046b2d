// Requests, replies and notifications of YangContext.
#include "yang_arguments.h"
#include "yang_context.h"

namespace semrd {

namespace {

Napi::Value RequestValue(Napi::Env env, ParsedRequest& request) {
  auto value = Parsed(env, request.json).As<Napi::Object>();
  auto documents = Napi::Object::New(env);
  for (const auto& [path, xml, attributes] : request.documents) {
    auto document = Napi::Object::New(env);
    document.Set("xml", xml);
    document.Set("attributes", Parsed(env, attributes));
    documents.Set(path, document);
  }
  value.Set("documents", documents);
  return value;
}

// A request of so many octets is read in a fraction of a millisecond.
constexpr size_t kSmallRequest = 2048;

}  // namespace

// parseRequest(xml: string, data?: YangTree): Promise<YangRequest>
Napi::Value YangContext::ParseRequest(const Napi::CallbackInfo& info) {
  TreeNumber data = Number(info, 1, true);
  std::string xml = PlainText(info[0], "xml");
  bool here = data == 0 && xml.size() <= kSmallRequest && lane_->Idle() != nullptr;
  return Post<ParsedRequest>(
      info.Env(),
      [xml = std::move(xml), data](YangCore& core) {
        return semrd::ParseRequest(core.context(), xml, core.Tree(data));
      },
      RequestValue, here);
}

// checkInput(target: YangPath, operation: string, input: unknown, data?: YangTree): Promise<unknown>
Napi::Value YangContext::CheckInput(const Napi::CallbackInfo& info) {
  TreeNumber data = Number(info, 3, true);
  return Post<std::string>(
      info.Env(),
      [called = Called(info[0], info[1]), input = JsonOf(info[2], "input"), data](YangCore& core) {
        return semrd::CheckInput(core.context(), called, input, core.Tree(data));
      },
      JsonValue);
}

// printOutput(target: YangPath, operation: string, output: unknown, format, data?: YangTree): Promise<string>
Napi::Value YangContext::PrintOutput(const Napi::CallbackInfo& info) {
  YangFormat format = Format(info[3]);
  TreeNumber data = Number(info, 4, true);
  return Post<std::string>(
      info.Env(),
      [called = Called(info[0], info[1]), output = JsonOf(info[2], "output"), format, data](YangCore& core) {
        return semrd::PrintOutput(core.context(), called, output, format, core.Tree(data));
      },
      TextValue);
}

// printNotification(target: YangPath, name: string, content: unknown, format: YangFormat): Promise<string>
Napi::Value YangContext::PrintNotification(const Napi::CallbackInfo& info) {
  YangFormat format = Format(info[3]);
  return Post<std::string>(
      info.Env(),
      [called = Called(info[0], info[1]), content = JsonOf(info[2], "content"), format](YangCore& core) {
        return semrd::PrintNotification(core.context(), called, content, format);
      },
      TextValue);
}

// matchNotification(target, name, content, expression: string, prefixes?: Record<string, string>): Promise<boolean>
Napi::Value YangContext::MatchNotification(const Napi::CallbackInfo& info) {
  return Post<bool>(
      info.Env(),
      [called = Called(info[0], info[1]), content = JsonOf(info[2], "content"), expression = Text(info[3], "expression"),
       prefixes = Prefixes(info[4])](YangCore& core) {
        return semrd::MatchNotification(core.context(), called, content, expression, prefixes);
      },
      [](Napi::Env env, bool& matches) -> Napi::Value { return Napi::Boolean::New(env, matches); });
}

}  // namespace semrd
