"""Writes the golden cases of policies, and the policies and the lock that they are about: python3 gen.py"""
import hashlib,struct
pub='''-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAWlVbNa/wXRXhWS5m5gTKjKawpcgTLviigtF3sTgPLU4=
-----END PUBLIC KEY-----'''.split('\n') # its private key was thrown away
h=lambda s:hashlib.sha256(s.encode()).hexdigest()
v,s=h('verity graph'),h('graph')
m=b'weightgate.manifest.v1\0'+struct.pack('<Q',1)+struct.pack('<I',6)+b'm.onnx'+struct.pack('<Q',5)+bytes.fromhex(v)
ident=hashlib.sha256(m).hexdigest()
open('weightgate.lock','w').write('weightgate.lock v1\n'+''.join(f'model {n} {ident}\n{v} {s} 5 m.onnx\n' for n in ('approved','excepted','ocr')))
key='\n'.join('        '+l for l in pub)
signers=f'''signers:
  - name: alice
    keys:
      - |
{key}
'''
open('enforce.yaml','w').write(f'''version: 1
lock: weightgate.lock
{signers}models:
  - {{name: ocr, source: [dir], formats: [onnx], pin: required}}
  - name: signed
    source: [dir]
    formats: [onnx]
    signatures: {{signers: [alice], bundles: {{model: [model.sig]}}, subject: signed}}
  - name: approved
    source: [dir]
    formats: [onnx]
    pin: required
    approvals:
      documents: {{policy: [alice.sig]}}
      roles: [{{role: security, signers: [alice]}}]
  - name: excepted
    source: [dir]
    formats: [onnx]
    pin: required
    exceptions:
      - {{codes: [onnx.domain], files: ["*.onnx"], owner: alice@example.com, expires: 2026-06-01, reason: "the operator is ours"}}
''')
open('audit.yaml','w').write('''version: 1
mode: audit
lock: weightgate.lock
models:
  - {name: ocr, source: [dir], formats: [onnx], pin: required}
  - {name: unknown, source: [dir], formats: [onnx], pin: required}
''')
open('revoked.yaml','w').write(f'''version: 1
lock: weightgate.lock
{signers}revocation: {{signers: [alice], list: revocations.sig, max_age: 24h}}
models:
  - {{name: ocr, source: [dir], formats: [onnx], pin: required}}
''')
def facts(name,verity=v,sha=s,extra='',inspect=True,now='2026-05-01T12:00:00Z',finding=''):
    t=f'''  facts:
    name: {name}
    origin: {{kind: dir}}
    now: {now}
    stat: {{files: [{{name: m.onnx, size: 5, kind: regular, links: 1}}]}}
    digest:
      manifest:
        - name: m.onnx
          size: 5
          verity: "{verity}"
          sha256: "{sha}"
'''
    if inspect:
        t+='    inspect:\n      formats: {m.onnx: onnx}\n      tensors: 1\n'+finding
    return t+extra
finding='      findings: [{code: onnx.domain, class: denied, severity: high, file: m.onnx, detail: "the domain is acme"}]\n'
def case(name,phase,verdict,body,**kw):
    t=f'- name: {name}\n  phase: {phase}\n  verdict: {verdict}\n'
    for k,x in kw.items(): t+=f'  {k}: {x}\n'
    return t+body
other=h('verity other'),h('other')
approval=f'''    evidence:
      approvals:
        - document: alice.sig
          by: alice
          signer: {{key: "{'ab'*32}"}}
          approval: {{name: approved, identity: "{ident}", role: security, issuedAt: 2026-04-01T00:00:00Z}}
'''
missing='''    evidence:
      signatures:
        - document: model.sig
          problem: {code: signature.missing, class: denied, severity: high, detail: "model.sig is not there"}
'''
open('enforce.cases.yaml','w').write('\n'.join([
 case('the pinned model','inspect','admitted',facts('ocr')),
 case('a changed model','digest','denied',facts('ocr',*other,inspect=False),codes='[pin.changed]'),
 case('no signature','digest','denied',facts('signed',inspect=False,extra=missing),codes='[signature.missing]'),
 case('evidence that nobody verified','digest','denied',facts('signed',inspect=False),codes='[signature.few]'),
 case('no approval','digest','denied',facts('approved',inspect=False),codes='[approval.missing]'),
 case('an approval','inspect','admitted',facts('approved',extra=approval)),
 case('an exception','inspect','admitted',facts('excepted',finding=finding),waived='[onnx.domain]'),
 case('an exception that has expired','inspect','denied',facts('excepted',finding=finding,now='2026-06-01T00:00:00Z'),codes='[onnx.domain]'),
 case('a name of no entry','inspect','denied',facts('other'),codes='[policy.nomatch]'),
 case('facts that are missing','inspect','denied',facts('ocr',inspect=False),codes='[policy.phase]'),
]))
open('audit.cases.yaml','w').write('\n'.join([
 case('no pin','stat','denied',facts('unknown',inspect=False),audit='true',codes='[pin.missing]'),
 case('a suspicious model','inspect','denied',facts('ocr',finding=finding),audit='true',codes='[onnx.domain]'),
 case('a changed model is refused all the same','digest','denied',facts('ocr',*other,inspect=False),codes='[pin.changed]'),
]))
def rev(digest,issued='2026-05-01T00:00:00Z'): return f'''    evidence:
      revocation:
        document: revocations.sig
        by: alice
        signer: {{key: "{'ab'*32}"}}
        list: {{version: 1, issuedAt: {issued}, entries: [{{file: "{digest}", reason: "a backdoor"}}]}}
'''
open('revoked.cases.yaml','w').write('\n'.join([
 case('a revoked file','digest','denied',facts('ocr',inspect=False,extra=rev(s)),codes='[revocation.file]'),
 case('a list about another file','digest','pending',facts('ocr',inspect=False,extra=rev(other[0]))),
 case('an old list','digest','denied',facts('ocr',inspect=False,extra=rev(other[0],'2026-04-01T00:00:00Z')),codes='[revocation.stale]'),
 case('no list','digest','denied',facts('ocr',inspect=False),codes='[revocation.missing]'),
]))
