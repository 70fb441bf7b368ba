/* JSON fields: line numbers, a check while you type, and hints from the field's JSON Schema.
 *
 * The textarea stays the field: it is what the form sends, and all there is without a script.
 */

(() => {
  const SCALARS = { String: "string", True: "boolean", False: "boolean", Null: "null" };

  /** The schemas that may apply: references followed, alternatives side by side. */
  const alternatives = (root, schema) => {
    if (!schema || schema === true) return [];
    if (schema.$ref) {
      const target = schema.$ref.slice(2).split("/").reduce((at, name) => at && at[name], root);
      return alternatives(root, target);
    }
    const inside = schema.anyOf || schema.oneOf || schema.allOf;
    return inside ? inside.flatMap((each) => alternatives(root, each)) : [schema];
  };
  const typesOf = (schema) => [].concat(schema.type || (schema.properties ? "object" : []));
  const fits = (schema, type) => {
    const types = typesOf(schema);
    return !types.length || types.includes(type) || (type === "integer" && types.includes("number"));
  };
  const propertyOf = (root, schemas, name) => schemas.flatMap((each) => alternatives(root, (each.properties || {})[name]));
  const itemsOf = (root, schemas) => schemas.flatMap((each) => alternatives(root, each.items));
  const known = (schemas) => [...new Set(schemas.flatMap((each) => Object.keys(each.properties || {})))];

  const childOf = (node) => [...childrenOf(node)].pop();
  function* childrenOf(node) {
    for (let child = node.firstChild; child; child = child.nextSibling) {
      if (!/^[{}[\],:⚠]$/.test(child.name)) yield child;
    }
  }
  const nameOf = (doc, property) => {
    const name = property.getChild("PropertyName");
    try {
      return name ? JSON.parse(doc.sliceString(name.from, name.to)) : "";
    } catch {
      return "";
    }
  };
  const typeOf = (doc, node) => {
    if (node.name === "Number") return /^-?\d+$/.test(doc.sliceString(node.from, node.to)) ? "integer" : "number";
    return SCALARS[node.name] || node.name.toLowerCase();
  };

  /** What the schema forbids, each at its place. */
  function* complaints(root, doc, node, schemas, say) {
    if (!schemas.length) return;
    const fitting = schemas.filter((each) => fits(each, typeOf(doc, node)));
    if (!fitting.length) {
      yield { node, message: say.type.replace("{types}", [...new Set(schemas.flatMap(typesOf))].join(", ")) };
    } else if (node.name === "Object") {
      yield* ofObject(root, doc, node, fitting, say);
    } else if (node.name === "Array") {
      for (const each of childrenOf(node)) yield* complaints(root, doc, each, itemsOf(root, fitting), say);
    } else {
      const allowed = fitting.every((each) => each.enum) ? fitting.flatMap((each) => each.enum) : [];
      const value = doc.sliceString(node.from, node.to);
      const isAllowed = !allowed.length || allowed.some((each) => JSON.stringify(each) === value);
      if (!isAllowed) yield { node, message: say.values.replace("{values}", allowed.join(", ")) };
    }
  }
  function* ofObject(root, doc, node, schemas, say) {
    const names = [];
    for (const property of node.getChildren("Property")) {
      const name = nameOf(doc, property);
      names.push(name);
      const value = childOf(property);
      const inside = propertyOf(root, schemas, name);
      const others = schemas.flatMap((each) => alternatives(root, each.additionalProperties));
      const isClosed = schemas.every((each) => each.additionalProperties === false);
      if (!known(schemas).includes(name) && isClosed) {
        const message = say.unknown.replace("{name}", name).replace("{known}", known(schemas).join(", "));
        yield { node: property.getChild("PropertyName") || property, message };
      } else if (value && value.name !== "PropertyName") {
        yield* complaints(root, doc, value, inside.length ? inside : others, say);
      }
    }
    const missing = schemas.length === 1 ? (schemas[0].required || []).filter((each) => !names.includes(each)) : [];
    if (missing.length) yield { node, message: say.missing.replace("{names}", missing.join(", ")) };
  }

  /** The schemas of the value that stands at this node, from the whole text's inwards. */
  const schemasAt = (root, doc, node) => {
    if (!node || node.name === "JsonText") return alternatives(root, root);
    const around = schemasAt(root, doc, node.parent);
    if (node.name === "Property") return propertyOf(root, around, nameOf(doc, node));
    return node.parent.name === "Array" ? itemsOf(root, around) : around;
  };
  const up = (node, ...names) => {
    let at = node;
    while (at && !names.includes(at.name)) at = at.parent;
    return at;
  };
  /** What a field is for, and an example of it. */
  const meaning = (root, schema) => {
    const text = schema.description || alternatives(root, schema)[0]?.description;
    return [text, ...(schema.examples || []).map((each) => JSON.stringify(each))].filter(Boolean).join("\n");
  };
  const stub = (root, schema) => {
    const [first] = alternatives(root, schema);
    const type = first ? typesOf(first)[0] : "string";
    return { object: "{}", array: "[]", boolean: "true", string: '""' }[type] || "";
  };

  const complete = (schemaOf) => (context) => {
    const root = schemaOf();
    if (!root) return null;
    const { doc } = context.state;
    const node = CodeMirror.syntaxTree(context.state).resolveInner(context.pos, -1);
    const place = up(node, "PropertyName", "Object", "Property", "Array", "JsonText");
    const word = context.matchBefore(/"?[\w-]*/);
    if (!place || (!context.explicit && word.from === word.to)) return null;
    const isValue = place.name === "Property" || place.name === "Array";
    const schemas = schemasAt(root, doc, place);
    const values = place.name === "Array" ? itemsOf(root, schemas) : schemas;
    const options = isValue ? ofValue(values) : ofKeys(root, doc, place);
    const quote = doc.sliceString(context.pos, context.pos + 1) === '"' ? 1 : 0;
    return { from: word.from, to: context.pos + quote, options, filter: true };
  };
  const ofValue = (schemas) =>
    schemas.flatMap((each) => each.enum || (typesOf(each).includes("boolean") ? [true, false] : []))
      .map((each) => ({ label: JSON.stringify(each), type: "constant" }));
  const ofKeys = (root, doc, place) => {
    const object = up(place, "Object");
    if (!object) return [];
    const schemas = schemasAt(root, doc, object);
    const present = object.getChildren("Property").map((each) => nameOf(doc, each));
    return schemas.flatMap((each) => Object.entries(each.properties || {}))
      .filter(([name]) => !present.includes(name))
      .map(([name, schema]) => ({
        label: `"${name}"`,
        apply: `"${name}": ${stub(root, schema)}`,
        info: meaning(root, schema),
        type: "property",
      }));
  };

  const explain = (schemaOf) => (view, pos) => {
    const root = schemaOf();
    const property = up(CodeMirror.syntaxTree(view.state).resolveInner(pos, 1), "PropertyName");
    if (!root || !property) return null;
    const { doc } = view.state;
    const name = nameOf(doc, property.parent);
    const around = schemasAt(root, doc, up(property, "Object"));
    const text = around.flatMap((each) => (each.properties || {})[name] || []).map((each) => meaning(root, each)).find(Boolean);
    if (!text) return null;
    const dom = Object.assign(document.createElement("div"), { className: "rd-code-hint", textContent: text });
    return { pos: property.from, end: property.to, create: () => ({ dom }) };
  };

  const LOOK = [["propertyName", "key"], ["string", "text"], ["number", "number"], ["bool", "number"], ["null", "number"]];

  const grow = (area) => {
    const around = area.closest("[data-code-editor]");
    const say = around.dataset;
    const status = around.querySelector("[data-code-status]");
    let schema = null;
    const schemaOf = () => schema;

    const lint = (view) => {
      const text = view.state.doc.toString();
      const found = text.trim() ? CodeMirror.jsonParseLinter()(view) : [];
      const value = CodeMirror.syntaxTree(view.state).topNode.firstChild;
      if (text.trim() && !found.length && schema && value) {
        const words = { type: say.type, unknown: say.unknown, values: say.values, missing: say.missing };
        for (const each of complaints(schema, view.state.doc, value, alternatives(schema, schema), words)) {
          found.push({ from: each.node.from, to: each.node.to, severity: "error", message: each.message });
        }
      }
      const [first] = found;
      const line = first && view.state.doc.lineAt(first.from).number;
      status.textContent = first ? say.wrong.replace("{line}", line).replace("{what}", first.message) : text.trim() ? say.right : "";
      status.classList.toggle("rd-text-danger", Boolean(first));
      return found;
    };

    let isOurs = false;
    const keep = CodeMirror.EditorView.updateListener.of((update) => {
      if (!update.docChanged || isOurs) return;
      isOurs = true;
      area.value = update.state.doc.toString();
      area.dispatchEvent(new Event("input", { bubbles: true }));
      isOurs = false;
    });
    const label = document.querySelector(`label[for="${CSS.escape(area.id)}"]`);
    const named = { "aria-label": (label ? label.innerText : area.name).trim().replace(/\*$/, ""), id: `${area.id}_code` };
    const view = new CodeMirror.EditorView({
      doc: area.value,
      extensions: [
        CodeMirror.lineNumbers(),
        CodeMirror.history(),
        CodeMirror.drawSelection(),
        CodeMirror.indentOnInput(),
        CodeMirror.bracketMatching(),
        CodeMirror.closeBrackets(),
        CodeMirror.highlightActiveLine(),
        CodeMirror.EditorView.lineWrapping,
        CodeMirror.json(),
        CodeMirror.syntaxHighlighting(
          CodeMirror.HighlightStyle.define(LOOK.map(([tag, name]) => ({ tag: CodeMirror.tags[tag], class: `rd-code-${name}` }))),
        ),
        CodeMirror.linter(lint, { delay: 300 }),
        CodeMirror.autocompletion({ override: [complete(schemaOf)], icons: false }),
        CodeMirror.hoverTooltip(explain(schemaOf)),
        CodeMirror.keymap.of([
          ...CodeMirror.completionKeymap, ...CodeMirror.lintKeymap, ...CodeMirror.historyKeymap, ...CodeMirror.defaultKeymap,
        ]),
        CodeMirror.EditorView.contentAttributes.of(named),
        keep,
      ],
    });
    const replace = (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });

    area.addEventListener("input", () => {
      if (isOurs || area.value === view.state.doc.toString()) return;
      isOurs = true;
      replace(area.value);
      isOurs = false;
    });
    view.contentDOM.addEventListener("blur", () => area.dispatchEvent(new Event("change", { bubbles: true })));
    area.before(view.dom);
    area.classList.add("rd-hidden");
    area.tabIndex = -1;
    area.setAttribute("aria-hidden", "true");
    if (label) {
      label.removeAttribute("for");
      label.addEventListener("click", () => view.focus());
    }

    const offer = (examples) => {
      const choice = around.querySelector("[data-code-examples]");
      if (!choice || !examples) return;
      examples.forEach((each) => choice.add(new Option(each.title, JSON.stringify(each.value, null, 2))));
      choice.closest("[hidden]").hidden = false;
      choice.addEventListener("change", () => {
        if (choice.value) replace(choice.value);
        choice.value = "";
      });
    };
    if (area.dataset.schema) {
      fetch(area.dataset.schema).then((answer) => answer.json()).then((found) => {
        schema = found;
        offer(found["x-examples"]);
        CodeMirror.forceLinting(view);
      }).catch(() => {}); // no hints, then: the field works without them
    }
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("textarea[data-code]").forEach(grow));
})();
